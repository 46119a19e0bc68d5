/** ms between two looks at the clocks. */
const INTERVAL = 250

/** ms without a look that are a pause: this process was stopped, frozen, or computed. Busy machines have shorter ones. */
const SHORTEST = 1000

/** How many pauses are remembered. */
const PAUSES_MAX = 100

interface Pause {
  /** By the monotonic clock: ms. */
  ended: number
  lasted: number
}

/** As it is when this is loaded: tests may put time of their own in its place. */
const monotonic = performance.now.bind(performance)

const pauses: Pause[] = []
let count = 0
let timer: NodeJS.Timeout | undefined
let seen = 0
let seenDate = 0

/** Begins to notice when this process cannot run, for as long as it lives. It keeps no process alive. */
export function watchPauses(): void {
  if (timer) return
  seen = monotonic()
  seenDate = Date.now()
  timer = setInterval(look, INTERVAL)
  timer.unref()
}

/** How many there were. A function that was frozen sees one, and what it was connected to may be gone. */
export function countPauses(): number {
  look()
  return count
}

/** ms of the last `ms` in which this process could not run. */
export function pausedFor(ms: number): number {
  look()
  const since = monotonic() - ms
  return pauses.reduce((sum, { ended, lasted }) => sum + Math.max(0, Math.min(ended - since, lasted)), 0)
}

function look(): void {
  if (!timer) return
  const now = monotonic()
  const date = Date.now()
  const lasted = now - seen - INTERVAL
  // The monotonic clock stands still while a machine is suspended. The other one can be set, which is no pause, and is
  // counted as one: that costs no more than a look at the connections.
  if (lasted >= SHORTEST || date - seenDate - INTERVAL >= SHORTEST) count++
  if (lasted >= SHORTEST) pauses.push({ ended: now, lasted })
  if (pauses.length > PAUSES_MAX) pauses.shift()
  seen = now
  seenDate = date
}
