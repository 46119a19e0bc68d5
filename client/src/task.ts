import { ERROR_HEADER } from '../../src/protocol.js'
import { type Head, headerOf } from './refusal.js'
import type { SessionTask } from './types.js'
import { harmless } from './util.js'
import type { WxTask } from './wx.js'

const EVENTS = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate'] as const

type Listener = (result: Head) => void

/** A task that stays good while the call goes from one attempt to the next. */
export interface StableTask {
  task: SessionTask<never>
  /** Listens to the task of a new attempt, and to no other any more. `begun` hears of the beginning of its answer. */
  follow(attempt: WxTask, begun: (head: Head) => void): void
}

export function stableTask(abort: () => void): StableTask {
  let heard: [event: string, listener: Listener][] = []
  let current: WxTask | undefined
  const task: Record<string, unknown> = { abort }

  for (const event of EVENTS) {
    task[`on${event}`] = (listener: Listener) => heard.push([event, listener])
    task[`off${event}`] = (listener?: Listener) => {
      heard = heard.filter(([other, one]) => other !== event || (listener && one !== listener))
    }
  }

  return { task: task as unknown as SessionTask<never>, follow }

  function follow(attempt: WxTask, begun: Listener): void {
    current = attempt
    for (const event of EVENTS) {
      const name = `on${event}` as const
      const hear: Listener = (result) => {
        if (event === 'HeadersReceived') begun(result)
        // A refusal is for this client: the app hears the answer to its request, and nothing else.
        if (current === attempt && headerOf(result.header, ERROR_HEADER)) current = undefined
        for (const [other, listener] of heard) {
          if (current === attempt && other === event) harmless(() => listener(result))
        }
      }
      if (attempt[name]) (attempt[name] as (listener: Listener) => void)(hear)
    }
  }
}
