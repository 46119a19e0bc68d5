import { deadline } from '../../util/deadline.js'

/** A connection to monitor. */
export interface Beating {
  isOpen(): boolean
  /** Whether there is something to hear from at all. */
  isReady(): boolean
  /** Rejects where something is known to be wrong that goes away by replacing. */
  ping(): Promise<unknown>
  /** What is done when it is silent, or wrong. */
  replace(): void | Promise<void>
}

/** ms between two beats, and ms that an answer may take. */
const INTERVAL = 500
const LATEST = 1000

/**
 * Replaces a connection on which nothing comes back. A firewall that forgets a connection tells neither side, and
 * TCP needs a quarter of an hour to notice (`tcp_retries2`); node-redis's own `socketTimeout` never does while
 * commands are still being written. Ends when the connection is closed.
 */
export function heartbeat({ isOpen, isReady, ping, replace }: Beating): void {
  let isBeating = false
  const timer = setInterval(beat, INTERVAL)
  timer.unref()

  async function beat(): Promise<void> {
    if (!isOpen()) return clearInterval(timer)
    if (isBeating || !isReady()) return
    isBeating = true
    try {
      await deadline(LATEST, ping(), () => new Error('silent'))
    } catch {
      await replace()
    }
    isBeating = false
  }
}
