/** When something outside of the servers was at fault. */
export interface Outages {
  /** Something begins to fail. Returns what to call when it is well again. */
  begin(graceAfter: number): () => void
  /** Whether an answer that was awaited from one moment to another may say that something fails: ms, monotonic. */
  excuse(from: number, to: number): boolean
}

export function createOutages(): Outages {
  const all: { from: number; to: number }[] = []

  return {
    begin(graceAfter) {
      const outage = { from: performance.now(), to: Number.POSITIVE_INFINITY }
      all.push(outage)
      return () => {
        outage.to = performance.now() + graceAfter
      }
    },
    excuse: (from, to) => all.some((outage) => outage.from <= to && from <= outage.to),
  }
}
