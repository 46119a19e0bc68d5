import { install } from '@sinonjs/fake-timers'
import type { ExecutionContext } from 'ava'
import type { Random } from './random.js'

/** What happens on the clock, one timer after the other; between two of them all promises go as far as they can. */
export interface VirtualClock {
  /** ms that timers have seen pass: `Date` jumps when the program is frozen, this does not. */
  now(): number
  /** Runs `action` in `ms` milliseconds. A timer of the world: it outlives {@link VirtualClock.forget}. */
  after(ms: number, action: () => void): () => void
  /** Lets promises go as far as they can, without letting time pass. */
  flush(): Promise<void>
  advance(ms: number): Promise<void>
  /** Runs timers until `isDone`, or until `ms` milliseconds have passed. */
  runUntil(isDone: () => boolean, ms: number): Promise<void>
  /** Lets `Date` jump, and no timer fire: what a program sees that was frozen in the background. */
  freeze(ms: number): void
  /** Forgets the timers of the code under test, as the end of its process does. */
  forget(): void
  /** Gives time and chance back. */
  release(): void
}

interface Situation {
  random: Random
  /** Is told what nobody caught: thrown by a timer, in a microtask, or by a promise without a handler. */
  onUncaught(error: unknown): void
}

/**
 * Time, chance and uncaught errors as the schedule has them, for the whole process, until `release`.
 * Only one at a time. Promises run between two timers because one real `setImmediate` comes after all microtasks:
 * that takes microseconds, where fake-timers' own `tickAsync` takes two of them for each step.
 */
export function takeClock({ random, onUncaught }: Situation): VirtualClock {
  const fake = install({ now: START, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  const worldTimeout = fake.setTimeout
  const realRandom = Math.random
  const giveBackErrors = takeErrors(onUncaught)
  let life = 0
  let frozen = 0

  Math.random = random
  globalThis.setTimeout = mortalTimeout as typeof setTimeout

  return { now: () => fake.now - frozen, after, flush, advance, runUntil, freeze, forget, release }

  function after(ms: number, action: () => void): () => void {
    const timer = worldTimeout(action, ms)
    return () => fake.clearTimeout(timer)
  }

  async function advance(ms: number): Promise<void> {
    await runUntil(() => false, ms)
  }

  async function runUntil(isDone: () => boolean, ms: number): Promise<void> {
    let isOver = false
    const cancel = after(ms, () => {
      isOver = true
    })
    await flush()
    while (!isOver && !isDone()) {
      try {
        fake.next()
      } catch (error) {
        onUncaught(error)
      }
      await flush()
    }
    cancel()
  }

  /** A timer of the code under test: dead with its life. */
  function mortalTimeout(action: (...args: unknown[]) => void, ms?: number, ...args: unknown[]): unknown {
    const mine = life
    return worldTimeout(() => {
      if (mine === life) action(...args)
    }, ms ?? 0)
  }

  function freeze(ms: number): void {
    frozen += ms
    fake.setSystemTime(fake.now + ms)
  }

  function forget(): void {
    life++
  }

  function release(): void {
    fake.uninstall()
    Math.random = realRandom
    giveBackErrors()
  }
}

/** Some day: codes and sessions have ages, and none of them may look as if made in 1970. */
const START = Date.UTC(2025, 0, 1)

function flush(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Takes the process's uncaught errors away from those who listen now, the test runner above all, which would end. */
function takeErrors(onUncaught: (error: unknown) => void): () => void {
  const exceptions = process.listeners('uncaughtException')
  const rejections = process.listeners('unhandledRejection')
  process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)

  return function giveBackErrors() {
    process.removeAllListeners('uncaughtException').removeAllListeners('unhandledRejection')
    for (const listener of exceptions) process.on('uncaughtException', listener)
    for (const listener of rejections) process.on('unhandledRejection', listener)
  }
}

/** A clock of this test's own, until it ends; chance always says 0. Only in serial tests: there is one at a time. */
export function clockOf(t: ExecutionContext): VirtualClock {
  const clock = takeClock({ random: () => 0, onUncaught: (error) => t.fail(`uncaught: ${error}`) })
  t.teardown(() => clock.release())
  return clock
}

/** The call, when it has ended; at most `ms` later. */
export async function endOf<Result>(clock: VirtualClock, call: Promise<Result>, ms: number): Promise<Result> {
  let isDone = false
  const done = () => {
    isDone = true
  }
  call.then(done, done)
  await clock.runUntil(() => isDone, ms)
  return call
}
