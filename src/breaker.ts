import { BrokenCircuitError, CircuitState, SamplingBreaker } from 'cockatiel'
import { type Diagnostics, diagnostics } from './diagnostics.js'

/** Keeps what does not answer from being asked by everybody, each for the whole of its deadline. */
export interface Breaker {
  /** Whether nobody is to ask now: it has failed lately, or one call finds out whether it still does. */
  isOpen(): boolean
  /** Does the work, and counts how it ends. Rejects at once while the breaker is open. */
  run<T>(work: () => Promise<T>): Promise<T>
}

export interface BreakerOptions {
  of: Diagnostics['breaker']['of']
  /** Which errors say that it does not answer; all others are answers. */
  isFailure(error: unknown): boolean
  /** ms over which calls are counted. The breaker opens when there were ten, and more than `share` of them failed. */
  window: number
  share: number
  /** ms until one call is let through: when that is answered, all are again. */
  coolDown: number
}

const CALLS_MIN = 10

const states = diagnostics('breaker')

/**
 * The counting is cockatiel's; its policy around that is not used: it makes others wait for the call that finds out,
 * and its promises are on the way of every request. (Measured: they cost as much as the read's deadline.)
 */
export function breaker({ of, isFailure, window, share, coolDown }: BreakerOptions): Breaker {
  const calls = new SamplingBreaker({
    threshold: share,
    duration: window,
    minimumRps: CALLS_MIN / (window / 1000),
  })
  let openUntil = 0
  let state = CircuitState.Closed

  return { isOpen, run }

  function isOpen(): boolean {
    if (state === CircuitState.Closed) return false
    return state === CircuitState.HalfOpen || Date.now() < openUntil
  }

  function run<T>(work: () => Promise<T>): Promise<T> {
    if (isOpen()) return Promise.reject(new BrokenCircuitError())
    // The first call after a pause finds out; until it has ended, nobody else is let through.
    if (state === CircuitState.Open) state = CircuitState.HalfOpen
    const during = state
    const result = work()
    result.then(
      () => answered(during),
      (error: unknown) => (isFailure(error) ? failed(during) : answered(during)),
    )
    return result
  }

  function answered(during: CircuitState): void {
    calls.success(during)
    if (during === CircuitState.Closed) return
    state = CircuitState.Closed
    states.publish({ of, isOpen: false })
  }

  function failed(during: CircuitState): void {
    // One that began before it opened, and ends after, says nothing new.
    if (during === CircuitState.Closed && (!calls.failure(during) || state !== during)) return
    if (state === CircuitState.Closed) states.publish({ of, isOpen: true })
    state = CircuitState.Open
    openUntil = Date.now() + coolDown
  }
}
