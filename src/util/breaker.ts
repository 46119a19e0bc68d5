import { type Diagnostics, diagnostics } from '../diagnostics.js'

/** Keeps what does not answer from being asked by everybody, each for the whole of its deadline. */
export interface Breaker {
  /** Does the work, and counts how it ends. Rejects at once while the breaker is open. */
  run<T>(work: () => Promise<T>): Promise<T>
  /**
   * Does work that may end before anything is asked: what it calls `ask` with is counted, and nothing else. `undefined`,
   * and nothing is done, while the breaker is open.
   */
  attempt<T>(work: (ask: <A>(call: () => Promise<A>) => Promise<A>) => Promise<T>): Promise<T> | undefined
}

export interface BreakerOptions {
  of: Diagnostics['breaker']['of']
  /** Which errors say that it does not answer; all others are answers. */
  isFailure(error: unknown): boolean
  /**
   * Which of those may be of the call alone: then the breaker opens only where `isDown` says so, which asks for itself.
   */
  isOdd?(error: unknown): boolean
  isDown?(): Promise<boolean>
  /** ms over which calls are counted. The breaker opens when there were ten, and more than `share` of them failed. */
  window: number
  share: number
  /** ms until one call is let through: when that is answered, all are again. */
  coolDown: number
}

const CALLS_MIN = 10

/** Parts of the window: the oldest is forgotten at once. */
const PARTS = 5

/** A call, by what held when it began. */
interface Call {
  state: State
  openings: number
}

type State = 'closed' | 'open' | 'half-open'

const states = diagnostics('breaker')

/**
 * Our own, because libraries' make others wait for the call that finds out, and put promises on the way of every request.
 * (Measured with cockatiel: they cost as much as the read's deadline, and its import takes 28 ms and 3 MB.)
 */
export function breaker({
  of,
  isFailure,
  isOdd = () => false,
  isDown = async () => true,
  window,
  share,
  coolDown,
}: BreakerOptions): Breaker {
  const calls = createSample(window)
  let openUntil = 0
  let state: State = 'closed'
  /** Counts the openings: what began before the last one says nothing new. */
  let openings = 0
  let asking: Promise<boolean> | undefined

  return {
    run: (work) => (isOpen() ? Promise.reject(new Error(NOT_ASKED)) : count(begin(), work)),
    attempt: (work) => (isOpen() ? undefined : attempt(begin(), work)),
  }

  async function attempt<T>(
    during: Call,
    work: (ask: <A>(call: () => Promise<A>) => Promise<A>) => Promise<T>,
  ): Promise<T> {
    let isAsked = false
    const ask = <A>(call: () => Promise<A>) => {
      isAsked = true
      return count(during, call)
    }
    try {
      return await work(ask)
    } finally {
      if (!isAsked) released(during)
    }
  }

  function isOpen(): boolean {
    if (state === 'closed') return false
    return state === 'half-open' || performance.now() < openUntil
  }

  /** The first call after a pause finds out; until it has ended, nobody else is let through. */
  function begin(): Call {
    if (state === 'open') state = 'half-open'
    return { state, openings }
  }

  function count<T>(during: Call, work: () => Promise<T>): Promise<T> {
    const result = started(work)
    result.then(
      () => answered(during),
      (error: unknown) => (isFailure(error) ? failed(during, isOdd(error)) : answered(during)),
    )
    return result
  }

  function released(during: Call): void {
    if (during.state === 'half-open') state = 'open'
  }

  function answered(during: Call): void {
    if (during.state === 'closed') {
      if (during.openings === openings) calls.add(false)
      return
    }
    close()
  }

  function close(): void {
    calls.clear()
    state = 'closed'
    states.publish({ of, isOpen: false })
  }

  function failed(during: Call, isOdd: boolean): void {
    if (during.state === 'closed') {
      if (during.openings !== openings) return
      calls.add(true)
      if (!isTooMuch(calls.total())) return
    }
    if (isOdd) find(during)
    else if (during.state === 'closed') open()
    else stayOpen()
  }

  function open(): void {
    openings++
    states.publish({ of, isOpen: true })
    stayOpen()
  }

  function stayOpen(): void {
    state = 'open'
    openUntil = performance.now() + coolDown
  }

  /** Opens where it really does not answer. Where it does, what failed was of those calls alone. */
  function find(during: Call): void {
    asking ??= isDown()
      .catch(() => true)
      .finally(() => {
        asking = undefined
      })
    void asking.then((mustOpen) => decide(during, mustOpen))
  }

  function decide(during: Call, mustOpen: boolean): void {
    if (during.state === 'half-open') {
      if (state === 'half-open') mustOpen ? stayOpen() : close()
      return
    }
    if (state !== 'closed' || during.openings !== openings) return
    calls.clear()
    if (mustOpen) open()
  }

  function isTooMuch({ failed, all }: Count): boolean {
    return all >= CALLS_MIN && failed > share * all
  }
}

const NOT_ASKED = 'it has not answered lately, and is not asked for a moment'

interface Count {
  failed: number
  all: number
}

/** Counts the calls of the last so many ms. */
function createSample(window: number): { add(hasFailed: boolean): void; total(): Count; clear(): void } {
  let parts: (Count & { began: number })[] = []

  return {
    add(hasFailed) {
      const now = performance.now()
      let part = parts.at(-1)
      if (!part || now - part.began >= window / PARTS) {
        part = { began: now, failed: 0, all: 0 }
        parts = [...parts.filter(({ began }) => now - began < window), part]
      }
      part.all++
      if (hasFailed) part.failed++
    },

    total() {
      const recent = parts.filter(({ began }) => performance.now() - began < window)
      const sum = (of: 'failed' | 'all') => recent.reduce((total, part) => total + part[of], 0)
      return { failed: sum('failed'), all: sum('all') }
    },

    clear() {
      parts = []
    },
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
