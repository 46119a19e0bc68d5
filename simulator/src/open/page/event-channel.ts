type Listener = (...args: never[]) => void

/** One end of what a page and the one that it opened say to each other. */
export interface EventChannel {
  /** Tells the other end. */
  emit(name: string, ...args: unknown[]): void
  on(name: string, listener: Listener): void
  once(name: string, listener: Listener): void
  off(name: string, listener?: Listener): void
}

/** Two ends: what one emits, the other hears. */
export function createChannel(): [EventChannel, EventChannel] {
  const sides = [new Map<string, Set<Listener>>(), new Map<string, Set<Listener>>()] as const
  return [end(sides[0], sides[1]), end(sides[1], sides[0])]
}

function end(own: Map<string, Set<Listener>>, other: Map<string, Set<Listener>>): EventChannel {
  const channel: EventChannel = {
    emit(name, ...args) {
      for (const listener of [...(other.get(name) ?? [])]) listener(...(args as never[]))
    },
    on(name, listener) {
      own.set(name, (own.get(name) ?? new Set()).add(listener))
    },
    once(name, listener) {
      const once: Listener = (...args) => {
        channel.off(name, once)
        listener(...args)
      }
      channel.on(name, once)
    },
    off(name, listener) {
      if (listener) own.get(name)?.delete(listener)
      else own.delete(name)
    },
  }
  return channel
}
