import type { Failure } from './errors.js'
import { EXPIRED, readRefusal } from './refusal.js'
import { sleep, timeLeft } from './util.js'

/** When the next login may be tried. All calls of a session share it, so that a failing server is not flooded. */
export interface Backoff {
  /** Resolves when the next login may be tried. Rejects, with what blocks them, while logins are blocked. */
  wait(): Promise<void>
  /** A login has failed. `block`: ms for which nobody may log in, if the server says so. */
  failed(failure: Failure, block?: number): void
  /** Nobody knows whether a login has failed. The next one waits for a moment, and none is blocked. */
  pause(): void
  succeeded(): void
  /** The server has ended a session within {@link YOUTH}. */
  diedYoung(): void
}

/** Failures in a row after which logins are blocked. */
const LIMIT = 3

/** ms */
const FIRST_PAUSE = 300
const FIRST_BLOCK = 2000
const LONGEST_BLOCK = 60_000

/** ms after its login in which a session dies young. If two do so within that time, logins are blocked. */
export const YOUTH = 60_000

export function createBackoff(): Backoff {
  let failures = 0
  let nextBlock = FIRST_BLOCK
  /** Unix ms. */
  let notBefore = 0
  let lastDeath = -YOUTH
  /** What blocks logins: until then (Unix ms), and for how many ms in all. */
  let blocker: Failure | undefined
  let blockedUntil = 0
  let blockLength = 0

  return { wait, failed, pause, succeeded, diedYoung }

  async function wait(): Promise<void> {
    throwIfBlocked()
    await sleep(timeLeft(notBefore, LONGEST_BLOCK))
    // Logins may have been blocked during the pause.
    throwIfBlocked()
  }

  function throwIfBlocked(): void {
    if (timeLeft(blockedUntil, blockLength)) throw blocker
  }

  function failed(failure: Failure, ms?: number): void {
    if (ms) {
      block(failure, ms)
      return
    }
    failures += 1
    pause()
    if (failures === LIMIT) {
      // After the block there is one more try. If that fails too, the next block is longer.
      failures = LIMIT - 1
      block(failure, nextBlock)
      nextBlock = Math.min(nextBlock * 2, LONGEST_BLOCK)
    }
    if (failure.reason === 'ERR_SESSION_EXPIRED') diedYoung()
  }

  function pause(): void {
    notBefore = Date.now() + withJitter(FIRST_PAUSE * (failures || 1))
  }

  function succeeded(): void {
    failures = notBefore = 0
    nextBlock = FIRST_BLOCK
  }

  function diedYoung(): void {
    const rest = timeLeft(lastDeath + YOUTH, YOUTH)
    if (rest) block(Object.assign(readRefusal(EXPIRED) as Failure, { message: 'sessions end at once' }), rest)
    lastDeath = Date.now()
  }

  function block(failure: Failure, length: number): void {
    blocker = failure
    blockedUntil = Date.now() + length
    blockLength = length
  }
}

/** One to two times as many ms, so that phones which failed together do not come back together. */
export function withJitter(ms: number): number {
  return ms * (1 + Math.random())
}
