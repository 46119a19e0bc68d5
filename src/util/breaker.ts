import { BrokenCircuitError, CircuitState, SamplingBreaker } from 'cockatiel'
import { type Diagnostics, diagnostics } from '../diagnostics.js'

/** Keeps what does not answer from being asked by everybody, each for the whole of its deadline. */
export interface Breaker {
  /** The right to ask, once; nothing while it has failed lately, or one call finds out whether it still does. */
  enter(): Pass | undefined
  /** Does the work, and counts how it ends. Rejects at once where there is no right to ask. */
  run<T>(work: () => Promise<T>): Promise<T>
}

export interface Pass {
  /** Does the work, and counts how it ends. */
  run<T>(work: () => Promise<T>): Promise<T>
  /** Nothing is asked after all. */
  leave(): void
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

  return {
    enter() {
      if (isOpen()) return undefined
      const during = begin()
      return { run: (work) => count(during, work), leave: () => left(during) }
    },
    run: (work) => (isOpen() ? Promise.reject(new BrokenCircuitError()) : count(begin(), work)),
  }

  function isOpen(): boolean {
    if (state === CircuitState.Closed) return false
    return state === CircuitState.HalfOpen || performance.now() < openUntil
  }

  /** The first call after a pause finds out; until it has ended, nobody else is let through. */
  function begin(): CircuitState {
    if (state === CircuitState.Open) state = CircuitState.HalfOpen
    return state
  }

  function count<T>(during: CircuitState, work: () => Promise<T>): Promise<T> {
    const result = started(work)
    result.then(
      () => answered(during),
      (error: unknown) => (isFailure(error) ? failed(during) : answered(during)),
    )
    return result
  }

  function left(during: CircuitState): void {
    if (during === CircuitState.HalfOpen) state = CircuitState.Open
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
    openUntil = performance.now() + coolDown
  }
}

/** What throws at once has failed as well as what rejects. */
function started<T>(work: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(work())
  } catch (error) {
    return Promise.reject(error)
  }
}
