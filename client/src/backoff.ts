import type { Failure } from './errors.js'
import { EXPIRED, readRefusal } from './refusal.js'
import { A_MINUTE, createSpan, sleep } from './util.js'

/** When the next login may be tried. All calls of a session share it, so that a failing server is not flooded. */
export interface Backoff {
  /** A call wants a login. Returns whether that is the first for a while: it gets a try, whatever has failed. */
  isFirst(): boolean
  /** Why the next login has to wait, while it does: the last failure. */
  reason(): Failure | undefined
  /** Resolves when the next login may be tried. Rejects, with what blocks them, while logins are blocked. */
  wait(isFirst: boolean): Promise<void>
  /** A login has failed. `block`: ms for which nobody may log in, if the server says so. */
  failed(failure: Failure, block?: number): void
  succeeded(): void
  /** The server has ended a session at once. */
  diedYoung(): void
  /** The network is back: what failed without it says nothing any more. */
  retry(): void
}

/** Failures in a row after which logins are blocked. */
const LIMIT = 3

/** ms */
const FIRST_PAUSE = 300

/** ms of a block, doubled by each failure in a row: two seconds after the third. */
const BLOCK = 250

/** ms: the longest block where no server has answered. The next call probes whether the network is back. */
const PROBE = 5000

/**
 * ms without a call after which the next one is what a person has started, who taps "retry"; a program that polls asks
 * sooner. It is tried at once.
 */
const QUIET = 1000

/** Timers measure all of it: the phone's clock may be changed. */
export function createBackoff(): Backoff {
  let failures = 0
  /** No login meanwhile. */
  const pause = createSpan()
  let last: Failure | undefined
  /** What blocks them; without that, they wait. */
  let blocker: Failure | undefined
  /** Whether the server asked for it. */
  let isOrdered: unknown
  /** After a call that wanted a login. */
  const recently = createSpan()
  /** After a session that ended at once. */
  const warned = createSpan()

  return { isFirst, reason: () => pause.now() && last, wait, failed, succeeded, diedYoung, retry }

  function isFirst(): boolean {
    const isFirst = !recently.now()
    recently.until(sleep(QUIET))
    return isFirst
  }

  async function wait(isFirst: boolean): Promise<void> {
    if (isFirst && !isOrdered) return
    if (!blocker) await pause.now()
    // Logins may have been blocked during the pause, too.
    if (blocker && pause.now()) throw blocker
  }

  function failed(failure: Failure, block?: number): void {
    const longest = failure.reason ? A_MINUTE : PROBE
    last = failure
    if (block) hold(sleep(block), failure, block)
    else if (++failures < LIMIT) hold(sleep(withJitter(FIRST_PAUSE * failures)))
    // After the block there is one more try. If that fails too, the next block is longer.
    else hold(sleep(Math.min(BLOCK * 2 ** failures, longest)), failure)
    if (failure.reason === 'ERR_SESSION_EXPIRED') diedYoung()
  }

  function succeeded(): void {
    failures = 0
    hold()
  }

  function retry(): void {
    if (!isOrdered) succeeded()
  }

  function diedYoung(): void {
    const message = 'sessions end at once: see loginPath'
    last = Object.assign(readRefusal(EXPIRED) as Failure, { message })
    if (warned.now()) hold(warned.now(), last)
    warned.until(sleep(A_MINUTE))
  }

  function hold(time?: Promise<unknown>, failure?: Failure, ordered?: number): void {
    blocker = failure
    isOrdered = ordered
    pause.until(time)
  }
}

/** One to two times as many ms, so that phones which failed together do not come back together. */
export function withJitter(ms: number): number {
  return ms * (1 + Math.random())
}
