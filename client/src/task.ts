import type { SessionTask } from './types.js'
import type { WxTask } from './wx.js'

const EVENTS = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate'] as const

type Listener = (result: never) => void
type Listeners = Record<string, ((listener?: Listener) => void) | undefined>

/** A task that stays good while the call goes from one attempt to the next. */
export interface StableTask {
  task: SessionTask<never>
  /** Moves the listeners to the task of a new attempt. */
  follow(attempt: WxTask): void
}

export function stableTask(abort: () => void): StableTask {
  let heard: [event: string, listener: Listener][] = []
  let current: Listeners = {}
  const task: Record<string, unknown> = { abort }

  for (const event of EVENTS) {
    task[`on${event}`] = (listener: Listener) => {
      heard.push([event, listener])
      call(`on${event}`, listener)
    }
    task[`off${event}`] = (listener?: Listener) => {
      heard = heard.filter(([other, one]) => other !== event || (listener && one !== listener))
      call(`off${event}`, listener)
    }
  }

  return {
    task: task as unknown as SessionTask<never>,
    follow(attempt) {
      current = attempt as unknown as Listeners
      for (const [event, listener] of heard) call(`on${event}`, listener)
    },
  }

  function call(name: string, listener: Listener | undefined): void {
    const method = current[name]
    if (method) method.call(current, listener)
  }
}
