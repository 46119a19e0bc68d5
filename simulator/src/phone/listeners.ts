import { callSafely } from './callbacks.js'

/** The functions that an `on…` method took. */
export interface Listeners<Event> {
  on(listener: (event: Event) => void): void
  /** Without a listener: all of them. */
  off(listener?: (event: Event) => void): void
  emit(event: Event): void
}

export function createListeners<Event>(): Listeners<Event> {
  const listeners = new Set<(event: Event) => void>()

  return {
    on(listener) {
      listeners.add(listener)
    },

    off(listener) {
      if (listener === undefined) listeners.clear()
      else listeners.delete(listener)
    },

    emit(event) {
      for (const listener of [...listeners]) callSafely(listener, event)
    },
  }
}
