import { BrokenCircuitError, CircuitState, circuitBreaker, handleWhen, SamplingBreaker } from 'cockatiel'
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

export function breaker({ of, isFailure, window, share, coolDown }: BreakerOptions): Breaker {
  const circuit = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: coolDown,
    breaker: new SamplingBreaker({
      threshold: share,
      duration: window,
      minimumRps: CALLS_MIN / (window / 1000),
    }),
  })
  let openUntil = 0
  circuit.onBreak(() => {
    openUntil = Date.now() + coolDown
    states.publish({ of, isOpen: true })
  })
  circuit.onReset(() => states.publish({ of, isOpen: false }))

  return {
    isOpen,
    async run(work) {
      // Left to itself, the circuit would make others wait for the one that finds out.
      if (isOpen()) throw new BrokenCircuitError()
      return circuit.execute(work)
    },
  }

  function isOpen(): boolean {
    if (circuit.state === CircuitState.Closed) return false
    return circuit.state === CircuitState.HalfOpen || Date.now() < openUntil
  }
}
