import { type Head, ourHeader } from './answer.js'
import type { SessionTask } from './types.js'
import { runSafely } from './util.js'
import type { WxTask } from './wx.js'

const EVENTS = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate'] as const

type Listener = (result: Head) => void

/** A task that stays good while its call goes from one attempt to the next. */
export interface StableTask {
  task: SessionTask<never>
  /** Listens to the task of a new attempt, and to no earlier one. `onHead` gets the beginning of its answer. */
  follow(attempt: WxTask, onHead: (head: Head) => void): void
}

export function createTask(abort: () => void): StableTask {
  let listeners: { event: string; listener: Listener }[] = []
  let followed: WxTask | undefined
  const task: Record<string, unknown> = { abort }

  for (const event of EVENTS) {
    task[`on${event}`] = (listener: Listener) => listeners.push({ event, listener })
    task[`off${event}`] = (listener?: Listener) => {
      listeners = listeners.filter((one) => one.event !== event || (listener && one.listener !== listener))
    }
  }

  return { task: task as unknown as SessionTask<never>, follow }

  function follow(attempt: WxTask, onHead: Listener): void {
    followed = attempt
    for (const event of EVENTS) {
      const name = `on${event}` as const
      if (attempt[name]) (attempt[name] as (listener: Listener) => void)((result) => hear(event, result))
    }

    function hear(event: string, result: Head): void {
      if (event === 'HeadersReceived') onHead(result)
      // A refusal is for this client. The app hears the answer to its request, and nothing else.
      if (followed === attempt && ourHeader(result, 'Session-Error')) followed = undefined
      for (const one of listeners) {
        if (followed === attempt && one.event === event) runSafely(() => one.listener(result))
      }
    }
  }
}
