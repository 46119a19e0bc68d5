export interface Cart {
  counts: Record<string, number>
  add(id: string): void
}

export function createCart(): Cart {
  const counts: Record<string, number> = {}
  return {
    counts,
    add(id) {
      counts[id] = (counts[id] ?? 0) + 1
    },
  }
}
