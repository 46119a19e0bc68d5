import type { WxTask } from './wx.js'

const EVENTS = ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate'] as const

type Listener = (result: never) => void
type Listeners = Record<string, ((listener?: Listener) => void) | undefined>

/** A task that stays good while the call goes from one attempt to the next. */
export interface StableTask {
  task: Required<WxTask>
  /** Moves the listeners to the task of a new attempt. */
  follow(attempt: WxTask): void
}

export function stableTask(abort: () => void): StableTask {
  const listeners = EVENTS.map((event) => ({ event, heard: new Set<Listener>() }))
  let current: Listeners | undefined
  const task: Record<string, unknown> = { abort }

  for (const { event, heard } of listeners) {
    task[`on${event}`] = (listener: Listener) => {
      heard.add(listener)
      current?.[`on${event}`]?.(listener)
    }
    task[`off${event}`] = (listener?: Listener) => {
      if (listener) heard.delete(listener)
      else heard.clear()
      current?.[`off${event}`]?.(listener)
    }
  }

  return {
    task: task as unknown as Required<WxTask>,
    follow(attempt) {
      current = attempt as unknown as Listeners
      for (const { event, heard } of listeners) {
        for (const listener of Array.from(heard)) current[`on${event}`]?.(listener)
      }
    },
  }
}
