import { deadline } from '../deadline.js'

/** What a heart beats in. */
export interface Beating {
  readonly isOpen: boolean
  readonly isReady: boolean
  ping(): Promise<unknown>
  connect(): Promise<unknown>
  destroy(): unknown
}

/** ms between two beats, and ms that an answer may take. */
const INTERVAL = 500
const LATEST = 1000

/**
 * Replaces a connection on which nothing comes back. A firewall that forgets a connection tells neither side, and
 * TCP needs a quarter of an hour to notice (`tcp_retries2`); node-redis's own `socketTimeout` never does while
 * commands are still being written. Ends when the client is closed.
 */
export function heartbeat(client: Beating): void {
  let isBeating = false
  const timer = setInterval(async (): Promise<void> => {
    if (!client.isOpen) return clearInterval(timer)
    if (isBeating || !client.isReady) return
    isBeating = true
    // A ping that fails is an answer too: the connection is known to be gone, and is being replaced already.
    await deadline(LATEST, Promise.allSettled([client.ping()]), () => new Error('silent')).catch(replace)
    isBeating = false
  }, INTERVAL)
  timer.unref()

  function replace(): void {
    client.destroy()
    // Goes on trying by itself; what it says of it, the client's 'error' event says too.
    client.connect().catch(() => {})
  }
}
