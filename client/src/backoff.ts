import type { Failure } from './errors.js'
import { EXPIRED, readRefusal } from './refusal.js'
import { A_MINUTE, sleep, timeLeft } from './util.js'

/** When the next login may be tried. All calls of a session share it, so that a failing server is not flooded. */
export interface Backoff {
  /** Resolves when the next login may be tried. Rejects, with what blocks them, while logins are blocked. */
  wait(): Promise<void>
  /** A login has failed. `block`: ms for which nobody may log in, if the server says so. */
  failed(failure: Failure, block?: number): void
  succeeded(): void
  /** The server has ended a session within {@link YOUTH}. */
  diedYoung(): void
}

/** Failures in a row after which logins are blocked. */
const LIMIT = 3

/** ms */
const FIRST_PAUSE = 300
const FIRST_BLOCK = 2000

/** ms after its login in which a session dies young. If two do so within that time, logins are blocked. */
export const YOUTH: number = A_MINUTE

export function createBackoff(): Backoff {
  let failures = 0
  let lastDeath = -YOUTH
  /** No login until then (Unix ms), for how many ms in all, and what blocks them; without that, they wait. */
  let notBefore = 0
  let length = 0
  let blocker: Failure | undefined

  return { wait, failed, succeeded, diedYoung }

  async function wait(): Promise<void> {
    const left = timeLeft(notBefore, length)
    if (!left) return
    if (!blocker) await sleep(left)
    // Logins may have been blocked during the pause, too.
    if (blocker) throw blocker
  }

  function failed(failure: Failure, block?: number): void {
    if (block) hold(block, failure)
    else if (++failures < LIMIT) hold(withJitter(FIRST_PAUSE * failures))
    // After the block there is one more try. If that fails too, the next block is longer.
    else hold(Math.min(FIRST_BLOCK * 2 ** (failures - LIMIT), A_MINUTE), failure)
    if (failure.reason === 'ERR_SESSION_EXPIRED') diedYoung()
  }

  function succeeded(): void {
    failures = notBefore = 0
  }

  function diedYoung(): void {
    const rest = timeLeft(lastDeath + YOUTH, YOUTH)
    const message = 'sessions end at once: see loginPath'
    if (rest) hold(rest, Object.assign(readRefusal(EXPIRED) as Failure, { message }))
    lastDeath = Date.now()
  }

  function hold(ms: number, failure?: Failure): void {
    notBefore = Date.now() + ms
    length = ms
    blocker = failure
  }
}

/** One to two times as many ms, so that phones which failed together do not come back together. */
export function withJitter(ms: number): number {
  return Math.round(ms * (1 + Math.random()))
}
