import { timeLeft } from './util.js'

/** Keeps what fails again and again from being tried by everybody at once. */
export interface Breaker<Cause> {
  /** Why nothing may be tried now; `undefined` when it may. */
  blocked(): Cause | undefined
  /** ms to wait before the next try. */
  pause(): number
  /** A try has failed. */
  failed(cause: Cause): void
  /** Nothing may be tried for so many ms. */
  block(cause: Cause, ms: number): void
  succeeded(): void
}

/** Failures in a row, after which the next try has to wait for a cool-down. */
const LIMIT = 3

/** ms */
const FIRST_PAUSE = 300
const FIRST_COOL_DOWN = 2000
const LONGEST_COOL_DOWN = 60_000

/** Back-off with jitter after a failure; after {@link LIMIT} of them a cool-down, which doubles with each trip. */
export function breaker<Cause>(): Breaker<Cause> {
  let failures = 0
  let coolDown = FIRST_COOL_DOWN
  let notBefore = 0
  let openUntil = 0
  let openFor = 0
  let why: Cause | undefined

  return {
    blocked: () => (timeLeft(openUntil, openFor) ? why : undefined),
    pause: () => timeLeft(notBefore, LONGEST_COOL_DOWN),
    failed(cause) {
      failures += 1
      notBefore = Date.now() + FIRST_PAUSE * failures * (1 + Math.random())
      if (failures < LIMIT) return
      // One try after the cool-down: if that fails too, the next one is longer.
      failures = LIMIT - 1
      block(cause, coolDown)
      coolDown = Math.min(coolDown * 2, LONGEST_COOL_DOWN)
    },
    block,
    succeeded() {
      failures = notBefore = 0
      coolDown = FIRST_COOL_DOWN
    },
  }

  function block(cause: Cause, ms: number): void {
    why = cause
    openFor = ms
    openUntil = Date.now() + ms
  }
}
