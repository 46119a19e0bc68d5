/** Lets operations through, or holds them back so that there is a rest. */
export interface Gate {
  /** Does an operation, once the gate is open. */
  pass<T>(operation: () => Promise<T>): Promise<T>
  /** Resolves when nothing is under way any more. */
  close(): Promise<void>
  open(): void
}

export function createGate(): Gate {
  let opened: Promise<void> | undefined
  let open = () => {}
  const underWay = new Set<Promise<unknown>>()

  return {
    async pass(operation) {
      while (opened) await opened
      const work = operation()
      underWay.add(work)
      try {
        return await work
      } finally {
        underWay.delete(work)
      }
    },
    async close() {
      opened = new Promise((resolve) => {
        open = resolve
      })
      while (underWay.size > 0) await Promise.allSettled(underWay)
    },
    open() {
      opened = undefined
      open()
    },
  }
}
