import { deadline } from '../../util/deadline.js'

/** A connection to monitor. */
export interface Beating {
  isOpen(): boolean
  /** Whether there is a connection to ping at the moment. */
  isReady(): boolean
  /** Rejects when something is wrong that a new connection would mend. */
  ping(): Promise<unknown>
  /** Called when there was no answer in time, or `ping()` has rejected. */
  replace(): void | Promise<void>
}

/** ms between two pings, and ms that an answer may take. */
const INTERVAL = 500
const LATEST = 1000

/**
 * Replaces a connection that does not answer, until the connection is closed. When a firewall forgets a connection, it
 * tells neither side, and TCP needs a quarter of an hour to notice (`tcp_retries2`). node-redis's own `socketTimeout`
 * never notices while commands are still being written.
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
      await deadline(LATEST, ping(), () => new Error('silent'), false)
    } catch {
      await replace()
    }
    isBeating = false
  }
}
