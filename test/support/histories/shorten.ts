/**
 * Leaves out what the trouble does not need: long pieces first, then ever shorter ones, as long as there is time.
 * Trouble that depends on chance may be missed by a shorter list that could have it, so the shortest is not promised.
 */
export async function shorten<Item>(
  items: Item[],
  isBad: (items: Item[]) => Promise<boolean>,
  ms: number,
): Promise<Item[]> {
  const deadline = performance.now() + ms
  let shortest = items
  let size = Math.ceil(items.length / 2)
  while (performance.now() < deadline) {
    const before = shortest.length
    for (let at = 0; at < shortest.length && performance.now() < deadline; ) {
      const shorter = shortest.toSpliced(at, size)
      if (await isBad(shorter)) shortest = shorter
      else at += size
    }
    if (size === 1 && shortest.length === before) break
    size = Math.max(1, Math.floor(size / 2))
  }
  return shortest
}
