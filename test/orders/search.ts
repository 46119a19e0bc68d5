import { areIndependent, type Choice } from './choice.js'
import type { Choose, Order } from './order.js'

/** A place in the tree of orders. */
interface Node {
  /** What has to be tried here. */
  toDo: Choice[]
  current: Choice
  /** What leads to orders that equal others: tried before, and nothing that it has to do with has happened since. */
  asleep: Choice[]
}

/**
 * Every order, depth first; of orders that differ only in neighbours that have nothing to do with each other, one ("sleep
 * sets", Godefroid 1996). Ends when there is none left, or `isOver` says so.
 */
export async function everyOrder(
  run: (choose: Choose) => Promise<Order>,
  found: (order: Order) => Promise<void>,
  isOver: () => boolean,
): Promise<boolean> {
  const path: Node[] = []
  do {
    const order = await run((choices, steps) => {
      const known = path[steps.length]
      if (known) return choices.find(({ id }) => id === known.current.id)
      const above = path.at(-1)
      const asleep = above?.asleep.filter((other) => areIndependent(other, above.current)) ?? []
      const [current, ...toDo] = choices.filter(({ id }) => !asleep.some((other) => other.id === id))
      if (current) path.push({ toDo, current, asleep })
      return current
    })
    await found(order)
    if (isOver()) return false
  } while (nextPath(path))
  return true
}

/** Turns to the next branch. Whether there is one. */
function nextPath(path: Node[]): boolean {
  for (let last = path.at(-1); last; last = path.at(-1)) {
    const next = last.toDo.shift()
    if (next) {
      last.asleep.push(last.current)
      last.current = next
      return true
    }
    path.pop()
  }
  return false
}

/** Chooses by chance, the same for the same seed: a fault at one step of eight, until there was one. */
export function byChance(seed: number): Choose {
  const random = numbers(seed)
  return (choices) => {
    const plain = choices.filter(({ fault }) => !fault)
    const faults = choices.filter(({ fault }) => fault)
    const from = faults.length > 0 && random() < 1 / 8 ? faults : plain
    return from[Math.floor(random() * from.length)]
  }
}

/** The order that an id tells: `A1 B1~ A2`; where it ends, the first of what can happen. */
export function byPath(path: string): Choose {
  const ids = path.split(/\s+/).filter(Boolean)
  return (choices, steps) => {
    const id = ids[steps.length]
    if (id === undefined) return choices.find(({ fault }) => !fault)
    return choices.find((choice) => choice.id === id)
  }
}

/** mulberry32: small, and good enough to choose with. */
export function numbers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
