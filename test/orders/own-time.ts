import { AsyncLocalStorage } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'

/**
 * The time of the code under test. It stands still until the scheduler moves it, so that a wait of seconds (the lease of
 * a claim, the pauses between tries) costs nothing, and the same choices always lead to the same order.
 */
export interface OwnTime {
  /** ms since the run began. */
  now: number
  /** What is to happen later, by whom. */
  timers: Timer[]
  /** Something has happened: the scheduler waits until nothing does. */
  stir(): void
}

export interface Timer {
  owner: string
  due: number
  /** A pause of the code itself. Else it is the deadline of a call, which passes only as a fault. */
  isPause: boolean
  /** Which call of the store a deadline is of. */
  call: number
  fire(): void
}

/** Who runs: the time that counts for them, their name, and the store call that they have begun last. */
export interface Inside {
  time: OwnTime
  owner: string
  lastCall: number
}

const inside = new AsyncLocalStorage<Inside>()

/** Runs the code of an actor in its own time. */
export function runInside<T>(who: Inside, work: () => T): T {
  return inside.run(who, work)
}

/** Runs what must not be scheduled: the client of Redis, the simulated WeChat. */
export function runOutside<T>(work: () => T): T {
  return inside.exit(work)
}

/**
 * Puts timers of one's own in the place of Node's, for code that runs inside; all other code has Node's. Once for a
 * process: the modules under test hold the functions by their module's name, which Node keeps in step.
 */
export function installOwnTime(): void {
  const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis
  const realSleep = timersPromises.setTimeout
  const realNow = performance.now.bind(performance)
  const realWarning = process.emitWarning.bind(process)

  const timeout = (work: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const who = inside.getStore()
    if (!who) return realTimeout(work, ms, ...args)
    return handleOf(add(who, ms, false, () => work(...args)))
  }
  const clear = (handle: unknown) => {
    if (handle instanceof Handle) handle.clear()
    else realClear(handle as NodeJS.Timeout)
  }
  const sleep = <T>(ms?: number, value?: T, options?: object): Promise<T> => {
    const who = inside.getStore()
    if (!who) return realSleep(ms, value, options)
    return new Promise((resolve) => void add(who, ms ?? 0, true, () => resolve(value as T)))
  }

  Object.assign(globalThis, { setTimeout: timeout, clearTimeout: clear })
  timersPromises.setTimeout = sleep
  syncBuiltinESMExports()
  performance.now = () => realNow() + (inside.getStore()?.time.now ?? 0)
  // Thousands of faults would print thousands of warnings.
  process.emitWarning = (...args: unknown[]) => {
    if (!inside.getStore()) Reflect.apply(realWarning, process, args)
  }
}

function add(who: Inside, ms: number, isPause: boolean, work: () => void): Timer {
  const { time, owner, lastCall } = who
  const timer: Timer = {
    owner,
    due: time.now + ms,
    isPause,
    call: lastCall,
    fire() {
      time.timers = time.timers.filter((other) => other !== timer)
      inside.run(who, work)
    },
  }
  time.timers.push(timer)
  time.stir()
  return timer
}

/** What setTimeout() gives, as far as the code under test uses it. */
class Handle {
  readonly clear: () => void
  constructor(clear: () => void) {
    this.clear = clear
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
}

function handleOf(timer: Timer): Handle {
  const { time } = inside.getStore() as Inside
  return new Handle(() => {
    time.timers = time.timers.filter((other) => other !== timer)
  })
}
