/** Runs calls under the same key one after the other, within this process. */
export interface KeyedMutex {
  /**
   * Runs `work` when all earlier calls under this key are done.
   *
   * @throws {Error} when too many calls wait, or this one has waited for longer than its caller does
   */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** How many keys have calls under way. */
  readonly size: number
}

/** How many calls may wait under one key. So a store that hangs fills no memory. */
const QUEUE_MAX = 1000

interface Queue {
  last: Promise<unknown>
  length: number
}

/** `patience`: ms that a caller waits. */
export function keyedMutex(patience: number): KeyedMutex {
  const queues = new Map<string, Queue>()

  return {
    async run(key, work) {
      const queue = queues.get(key) ?? { last: Promise.resolve(), length: 0 }
      if (queue.length >= QUEUE_MAX) throw new Error('too many calls wait for the same entry')
      queues.set(key, queue)
      queue.length++

      const since = performance.now()
      const result = queue.last.then(() => {
        if (performance.now() - since > patience) throw new Error(`no answer within ${patience} ms`)
        return work()
      })
      queue.last = result.catch(() => {})
      try {
        return await result
      } finally {
        if (--queue.length === 0) queues.delete(key)
      }
    },

    get size() {
      return queues.size
    },
  }
}
