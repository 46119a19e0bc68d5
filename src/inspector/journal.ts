import type { Remembered } from './trace.js'

/** Bytes that all entries together may hold. */
const BUDGET = 8 * 1024 * 1024

/** Bytes that an entry has beside what it was sent. */
const FRAME = 1000

/** What has happened, the oldest first. It forgets the oldest when there are too many, or they hold too much. */
export interface Journal {
  entries(): readonly Remembered[]
  find(id: number): Remembered | undefined
  nextId(): number
  /** Remembers an entry; and again, when it has grown. */
  put(entry: Remembered): void
  clear(): void
  /** Told of each entry that is put. Gives a function that ends it. */
  onPut(listener: (entry: Remembered) => void): () => void
  /** Told when all is forgotten. */
  onClear(listener: () => void): () => void
}

export function createJournal(limit: number): Journal {
  const entries = new Map<number, { entry: Remembered; size: number }>()
  const listeners = new Set<(entry: Remembered) => void>()
  const clearListeners = new Set<() => void>()
  let total = 0
  let ids = 0

  return {
    entries: () => Array.from(entries.values(), ({ entry }) => entry),
    find: (id) => entries.get(id)?.entry,
    nextId: () => ++ids,
    put(entry) {
      const before = entries.get(entry.id)
      // One that was forgotten meanwhile stays so.
      if (!before && entry.id < (entries.keys().next().value ?? 0)) return
      const size = sizeOf(entry)
      total += size - (before?.size ?? 0)
      entries.set(entry.id, { entry, size })
      while (entries.size > limit || (total > BUDGET && entries.size > 1)) forgetOldest()
      for (const listener of listeners) listener(entry)
    },
    clear() {
      entries.clear()
      total = 0
      for (const listener of clearListeners) listener()
    },
    onPut(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onClear(listener) {
      clearListeners.add(listener)
      return () => clearListeners.delete(listener)
    },
  }

  function forgetOldest(): void {
    const [oldest] = entries
    if (!oldest) return
    entries.delete(oldest[0])
    total -= oldest[1].size
  }
}

function sizeOf(entry: Remembered): number {
  if (entry.type === 'event') return FRAME
  const { headers, path, steps, response } = entry
  const ofHeaders = [...headers, ...(response?.headers ?? [])].reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    path.length,
  )
  const bodies = (entry.body()?.bytes.length ?? 0) + (response?.body.bytes.length ?? 0)
  return FRAME + ofHeaders + bodies + steps.length * 200
}
