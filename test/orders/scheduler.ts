import { AsyncLocalStorage } from 'node:async_hooks'
import type { SessionStore } from '../../src/stores/store.js'
import { type Choice, type Fault, MARKS } from './choice.js'
import { type Inside, type OwnTime, runInside } from './own-time.js'

/** A server process, as far as the scheduler is concerned. */
export interface Actor {
  readonly name: string
  readonly inside: Inside
  isCrashed: boolean
  /** Since when it stands still, in its own time. */
  stalledAt: number | undefined
  /** Its request has its answer. */
  isDone: boolean
}

/** A command that waits to be sent, or an answer that waits to arrive. */
interface Parked {
  actor: Actor
  number: number
  command: string
  key: string
  kind: 'command' | 'exchange' | 'answer'
  /** The store call that it belongs to. */
  call: number
  /** Sends it. Afterwards `deliver` gives the answer to whoever waits. */
  send(): Promise<() => void>
  fail(): void
}

export interface Scheduler {
  actor(name: string): Actor
  /** Holds a command of an actor until it is chosen. */
  park<T>(actor: Actor, what: Pick<Parked, 'command' | 'key' | 'kind'>, work: () => Promise<T>): Promise<T>
  /** Starts the request of an actor. */
  start(actor: Actor, work: () => Promise<void>): void
  /** All that can happen next. */
  choices(withFaults: boolean): Choice[]
  take(choice: Choice): Promise<void>
  /** Waits until nothing moves any more. */
  settled(): Promise<void>
  /** Who has neither ended nor crashed. */
  waiting(): string[]
  /** Nothing of this run goes on. */
  stop(): void
}

/** ms that a process stands still at least: nearly as long as others wait for a login of it. */
const LONG = 1400

/** Turns of the event loop without any event, after which nothing goes on by itself: all I/O is parked. */
const QUIET_TURNS = 3

/** Which order a server works for: it outlives many. */
export interface Slot {
  actor: Actor
  scheduler: Scheduler
}

const storeCall = new AsyncLocalStorage<number>()
let storeCalls = 0

/**
 * A store whose calls are told apart, so that the deadline of each is found: it is the next timer that is started after
 * the call has begun.
 */
export function numbered(store: SessionStore, slot: Slot): SessionStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'peek' || name === 'close') return value
      return (...args: unknown[]) => {
        slot.actor.inside.lastCall = ++storeCalls
        return storeCall.run(storeCalls, () => Reflect.apply(value, target, args))
      }
    },
  })
}

export function scheduler(): Scheduler {
  const actors: Actor[] = []
  let parked: Parked[] = []
  let events = 0
  let isFaultUsed = false
  /** How many steps others have made since an actor's last pause: one who polls sees nothing new before. */
  const news = new Map<string, number>()
  const numbers = new Map<string, number>()
  const time: OwnTime = { now: 0, timers: [], stir: () => void events++ }

  return { actor, park, start, choices, take, settled, waiting, stop }

  function actor(name: string): Actor {
    const made: Actor = {
      name,
      inside: { time, owner: name, lastCall: 0 },
      isCrashed: false,
      stalledAt: undefined,
      isDone: false,
    }
    actors.push(made)
    return made
  }

  function start(who: Actor, work: () => Promise<void>): void {
    runInside(who.inside, work).then(() => {
      who.isDone = true
      events++
    })
  }

  function next(who: Actor): number {
    const number = (numbers.get(who.name) ?? 0) + 1
    numbers.set(who.name, number)
    return number
  }

  function park<T>(
    who: Actor,
    what: Pick<Parked, 'command' | 'key' | 'kind'>,
    work: () => Promise<T>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      events++
      if (who.isCrashed) return
      parked.push({
        ...what,
        actor: who,
        number: next(who),
        call: storeCall.getStore() ?? 0,
        send: () =>
          work().then(
            (value) => () => resolve(value),
            (error: unknown) => () => reject(error),
          ),
        fail: () => reject(new Error('the connection was lost')),
      })
    })
  }

  function choices(withFaults: boolean): Choice[] {
    const all = choicesOfMoving(withFaults)
    if (all.length > 0) return all
    for (const who of actors) who.stalledAt = undefined
    return choicesOfMoving(withFaults)
  }

  function choicesOfMoving(withFaults: boolean): Choice[] {
    const all: Choice[] = []
    const moving = actors.filter(({ stalledAt }) => stalledAt === undefined).map(({ name }) => name)
    const ready = parked.filter(({ actor }) => actor.stalledAt === undefined)
    for (const step of ready) {
      all.push(choiceOf(step))
      if (!withFaults || isFaultUsed || step.kind === 'answer') continue
      for (const fault of faultsOf(step)) all.push(choiceOf(step, fault))
    }
    const isIdle = ready.length === 0
    const asleep = time.timers
      .filter(({ isPause, owner }) => isPause && moving.includes(owner))
      .sort((a, b) => a.due - b.due)
    const sleepers = isIdle
      ? asleep.slice(0, 1).map(({ owner }) => owner)
      : actors.map(({ name }) => name).filter((name) => asleep.some(({ owner }) => owner === name))
    for (const name of sleepers) {
      if (!isIdle && (news.get(name) ?? 0) === 0) continue
      all.push({ id: `${name}+`, actor: name, command: 'a pause is over', key: '', kind: 'pause' })
    }
    for (const { name, stalledAt } of actors)
      if (all.length > 0 && stalledAt !== undefined && time.now - stalledAt > LONG)
        all.push({ id: `${name}*`, actor: name, command: 'it goes on', key: '', kind: 'pause' })
    return all
  }

  function choiceOf({ actor: { name }, number, command, key, kind }: Parked, fault?: Fault): Choice {
    const id = `${name}${number}${fault ? MARKS[fault] : ''}`
    return { id, actor: name, command, key, kind, ...(fault && { fault }) }
  }

  function faultsOf(step: Parked): Fault[] {
    const faults: Fault[] = ['crash before', 'crash after', 'lost']
    if (step.kind !== 'exchange' && deadlineOf(step)) faults.push('late')
    // Else it is an order like others: only who waits for somebody notices that they stand still.
    if (time.timers.some(({ isPause, owner }) => isPause && owner !== step.actor.name)) faults.push('stall')
    return faults
  }

  function deadlineOf({ actor: { name }, call }: Parked) {
    return time.timers.find((timer) => !timer.isPause && timer.owner === name && timer.call === call)
  }

  async function take(choice: Choice): Promise<void> {
    for (const { name } of actors) if (name !== choice.actor) news.set(name, (news.get(name) ?? 0) + 1)
    const stalled = actors.find(({ name, stalledAt }) => stalledAt !== undefined && name === choice.actor)
    if (stalled) {
      stalled.stalledAt = undefined
      return
    }
    if (choice.kind === 'pause') {
      news.set(choice.actor, 0)
      const [timer] = time.timers
        .filter(({ owner, isPause }) => isPause && owner === choice.actor)
        .sort((a, b) => a.due - b.due)
      if (timer) time.now = Math.max(time.now, timer.due)
      timer?.fire()
      return settled()
    }
    const step = parked.find(
      ({ actor: { name }, number }) => choice.id.replace(/\D$/, '') === `${name}${number}`,
    )
    if (!step) throw new Error(`there is no step ${choice.id}`)
    if (choice.fault === 'stall') {
      isFaultUsed = true
      step.actor.stalledAt = time.now
      return
    }
    parked = parked.filter((other) => other !== step)
    if (choice.fault) isFaultUsed = true
    await perform(step, choice.fault)
    await settled()
  }

  async function perform(step: Parked, fault: Fault | undefined): Promise<void> {
    if (fault === 'crash before') return crash(step.actor)
    const deliver = await step.send()
    if (fault === undefined) deliver()
    else if (fault === 'crash after') crash(step.actor)
    else if (fault === 'lost') step.fail()
    else {
      const { actor, command, call } = step
      const number = next(actor)
      parked.push({
        actor,
        number,
        command: `the answer of ${command} arrives`,
        key: '',
        kind: 'answer',
        call,
        send: () => Promise.resolve(deliver),
        fail: deliver,
      })
      const timer = deadlineOf(step)
      if (timer) time.now = Math.max(time.now, timer.due)
      timer?.fire()
    }
  }

  function crash(who: Actor): void {
    who.isCrashed = true
    parked = parked.filter(({ actor }) => actor !== who)
    time.timers = time.timers.filter(({ owner }) => owner !== who.name)
  }

  async function settled(): Promise<void> {
    for (let quiet = 0, seen = events; quiet < QUIET_TURNS; quiet++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (events !== seen) {
        seen = events
        quiet = -1
      }
    }
  }

  function waiting(): string[] {
    return actors.filter(({ isDone, isCrashed }) => !isDone && !isCrashed).map(({ name }) => name)
  }

  function stop(): void {
    for (const who of actors) crash(who)
  }
}
