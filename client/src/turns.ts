/** Lets so many run at once; the others wait, in the order in which they came. */
export interface Turns {
  take(): Promise<void>
  give(): void
}

export function createTurns(limit: number): Turns {
  const waiting: (() => void)[] = []
  let free = limit

  return {
    take: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        next()
      }),
    give() {
      free++
      next()
    },
  }

  function next(): void {
    if (free < 1) return
    const start = waiting.shift()
    if (start) {
      free--
      start()
    }
  }
}
