/** Lets calls that concern the same thing go one after the other, within this process. */
export interface Turns {
  /**
   * Does the work when all that came before it under this key is done.
   *
   * @throws {Error} when too many wait, or its turn comes when nobody waits for it any more
   */
  take<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Keys that calls are under way for. */
  readonly size: number
}

/** Calls under one key, beyond which more are turned away: so that a store which hangs fills no memory. */
const LINE_MAX = 1000

interface Line {
  last: Promise<unknown>
  length: number
}

/** `patience`: ms that whoever calls waits. */
export function turns(patience: number): Turns {
  const lines = new Map<string, Line>()

  return {
    async take(key, work) {
      const line = lines.get(key) ?? { last: Promise.resolve(), length: 0 }
      if (line.length >= LINE_MAX) throw new Error('too many calls wait for the same entry')
      lines.set(key, line)
      line.length++

      const since = performance.now()
      const turn = line.last.then(() => {
        if (performance.now() - since > patience) throw new Error(`no answer within ${patience} ms`)
        return work()
      })
      line.last = turn.catch(() => {})
      try {
        return await turn
      } finally {
        if (--line.length === 0) lines.delete(key)
      }
    },

    get size() {
      return lines.size
    },
  }
}
