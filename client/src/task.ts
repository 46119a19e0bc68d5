import { type Head, ourHeader } from './answer.js'
import type { SessionTask } from './types.js'
import { orUndefined, runSafely } from './util.js'

const EVENTS = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate'] as const

type Listener = (result: Head) => void

/** A task that stays good while its call goes from one attempt to the next. */
export interface StableTask {
  task: SessionTask<never>
  /**
   * Listens to whatever `wx` gave for a new attempt, and to no earlier one. `onHead` gets the beginning of its answer, and
   * says whether that may be a refusal for this client; `onMove` is told of that, and of all that moves after it and before, refusals apart.
   */
  follow(attempt: object, onHead: (head: Head) => boolean, onMove: () => void): void
}

export function createTask(abort: () => void): StableTask {
  let listeners: { event: string; listener: Listener }[] = []
  let followed: object | undefined
  const task: Record<string, unknown> = { abort }

  for (const event of EVENTS) {
    task[`on${event}`] = (listener: Listener) => listeners.push({ event, listener })
    task[`off${event}`] = (listener?: Listener) => {
      listeners = listeners.filter((one) => one.event !== event || (listener && one.listener !== listener))
    }
  }

  return { task: task as unknown as SessionTask<never>, follow }

  function follow(attempt: object, onHead: (head: Head) => boolean, onMove: () => void): void {
    followed = attempt
    for (const event of EVENTS) {
      // Not every task has it, and what it throws keeps nobody from listening to the others.
      orUndefined(() => {
        const host = attempt as Record<string, (listener: Listener) => void>
        ;(host[`on${event}`] as (listener: Listener) => void)((result) => {
          orUndefined(() => hear(event, Object(result)))
        })
      })
    }

    function hear(event: string, result: Head): void {
      // A refusal is for this client. The app hears the answer to its request, and nothing else.
      const mayRefuse = event === 'HeadersReceived' && onHead(result)
      if (followed === attempt && mayRefuse && ourHeader(result, 'Session-Error')) followed = undefined
      if (followed === attempt) onMove()
      for (const one of listeners) {
        if (followed === attempt && one.event === event) runSafely(() => one.listener(result))
      }
    }
  }
}
