import type { RequestAuth } from './request-auth.js'
import { sleep } from './util.js'

/** ms between two looks, and how many looks there are: for five seconds. */
const POLL_INTERVAL = 20
const MAX_POLLS = 250

/**
 * Resolves when all the requests that are in flight now have been answered. Requests that are sent meanwhile do not
 * count. Resolves earlier when the answers do not matter any more, and after five seconds anyway.
 */
export async function allAnswered(inFlight: Set<RequestAuth>, matters: () => boolean): Promise<void> {
  const sent = [...inFlight]
  for (let n = 0; n < MAX_POLLS && matters() && sent.some((auth) => inFlight.has(auth)); n++) {
    await sleep(POLL_INTERVAL)
  }
}
