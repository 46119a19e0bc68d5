import { setTimeout as sleep } from 'node:timers/promises'
import { diagnostics, type StoreCall, type StoreOutcome } from '../diagnostics.js'
import { WeappSessionError } from '../errors.js'
import { breaker } from '../util/breaker.js'
import { deadline } from '../util/deadline.js'
import type { Faults } from '../util/faults.js'
import { checkOptions } from '../util/option-error.js'
import { createOutage } from '../util/outage.js'
import { checkTimeout } from './options.js'
import type { SessionStore } from './store.js'
import { StoreError } from './store-error.js'

/** A store whose calls end in time. */
export interface TimedStore extends SessionStore {
  /** Resolves once the store answers; rejects when it has not within `timeout` ms, and at once for a reason that lasts. */
  answers(options?: { timeout?: number }): Promise<void>
}

/** ms */
const DEFAULT_TIMEOUT = 250

/** Seconds: what `Retry-After` tells clients, of what passes and of what somebody has to mend. */
const RETRY_AFTER = 1
const RETRY_AFTER_MENDING = 60

const calls = diagnostics('store')

/** ms, for `ready()`. */
const READY_TIMEOUT = 10_000

/** ms between two reads that find out whether the store answers. */
const READY_PAUSE = 100

/** The id of nothing: ids are hashes. */
const NOBODY = 'nobody'

/** A call that the store did not answer in time. */
class TooLate extends Error {}

/**
 * A store whose calls end within its `timeout`, and whose errors are all ERR_STORE_UNAVAILABLE. An outage must not look
 * like "no such session": every phone would log in again at once.
 *
 * While a store hangs, it gets one call at a time, until it answers again. Otherwise calls that nobody waits for any
 * more would pile up in front of it. Only late answers count. After an error, the next call may well succeed: a Redis
 * that is full, or a replica, refuses every write and answers every read.
 */
export function withTimeout(store: SessionStore, faults: Faults = {}): TimedStore {
  const { timeout = DEFAULT_TIMEOUT } = store
  const isFailure = (error: unknown) => error instanceof TooLate
  // Nearly all calls have to be late: in a cluster, one node may hang while the others answer.
  const hanging = breaker({ of: 'store', isFailure, window: 1000, share: 0.9, coolDown: 500 })
  const outage = createOutage('The session store works again')
  let isClosed = false

  async function call<T>(name: StoreCall, untroubled: () => Promise<T>): Promise<T> {
    const began = calls.hasSubscribers ? performance.now() : 0
    const { store: trouble } = faults
    const work = trouble ? () => trouble().then(untroubled) : untroubled
    try {
      const getsReady = store.ready?.()
      if (getsReady) await getsReady
      const result = await (timeout === 0 ? work() : hanging.run(() => deadline(timeout, work(), tooLate)))
      if (began) tell(name, began, outcomeOf(name, result))
      if (outage.isOn) outage.served(name)
      return result
    } catch (cause) {
      if (began) tell(name, began, 'failed')
      throw refusal(name, cause)
    }
  }

  /** What is kept here counts as lost, too, while the store is in trouble: else nobody would notice that it is. */
  function peek(id: string) {
    return faults.store ? undefined : store.peek?.(id)
  }

  function refusal(call: StoreCall, cause: unknown): WeappSessionError {
    const { lasts, fix } = cause instanceof StoreError ? cause : { lasts: false, fix: undefined }
    const why = fix === undefined ? messageOf(cause) : `${messageOf(cause)}. ${fix}`
    // Whatever passes is one outage; what somebody has to mend is said beside it.
    outage.refused('WEAPP_STORE', `The session store fails, and requests that need it get 503: ${why}`, {
      call,
      kind: lasts ? fix : '',
    })
    const retryAfter = lasts ? RETRY_AFTER_MENDING : RETRY_AFTER
    return new WeappSessionError('ERR_STORE_UNAVAILABLE', { retryAfter, cause })
  }

  function tooLate(): Error {
    return new TooLate(`no answer within ${timeout} ms`)
  }

  /** Asks until there is an answer: not through the breaker, and without warnings. */
  async function answers(options: { timeout?: number } = {}): Promise<void> {
    checkOptions('ready()', options, ['timeout'])
    const { timeout: patience = READY_TIMEOUT } = options
    checkTimeout('ready', patience)
    let isOver = false
    let cause: unknown
    const asking = async () => {
      while (!isOver) {
        try {
          // Not for all of the time: whoever waits for this wants to hear why.
          await store.ready?.(Math.max(1, patience - READY_PAUSE))
          return void (await deadline(timeout || patience, store.read(NOBODY), tooLate))
        } catch (error) {
          cause = error
          if (isClosed || (error instanceof StoreError && error.lasts)) throw notReady(error)
          await sleep(READY_PAUSE)
        }
      }
    }
    await deadline(patience, asking(), () => {
      isOver = true
      return notReady(cause)
    })
  }

  return {
    timeout,
    answers,
    // It reads memory, and needs no deadline.
    ...(store.peek && { peek }),
    read: (id) => call('read', () => store.read(id)),
    claim: (id) => call('claim', () => store.claim(id)),
    refuse: (claim, refusal, memory) => call('refuse', () => store.refuse(claim, refusal, memory)),
    create: (session) => call('create', () => store.create(session)),
    update: (id, record) => call('update', () => store.update(id, record)),
    renew: (id, user, expires) => call('renew', () => store.renew(id, user, expires)),
    take: (taking) => call('take', () => store.take(taking)),
    confirm: (taking) => call('confirm', () => store.confirm(taking)),
    putBack: (taking, options) => call('putBack', () => store.putBack(taking, options)),
    end: (id, user) => call('end', () => store.end(id, user)),
    list: (user) => call('list', () => store.list(user)),
    revoke: (user) => call('revoke', () => store.revoke(user)),
    async close() {
      isClosed = true
      await store.close?.()
    },
  }
}

function notReady(cause: unknown): Error {
  return new Error(`koa-weapp-session: the store does not answer: ${messageOf(cause)}`, { cause })
}

function messageOf(error: unknown): string {
  if (error === undefined) return 'there was no answer in time'
  return error instanceof Error ? error.message : 'it threw something that is no error'
}

function tell(call: StoreCall, began: number, outcome: StoreOutcome): void {
  calls.publish({ call, ms: performance.now() - began, outcome })
}

function outcomeOf(call: StoreCall, result: unknown): StoreOutcome {
  if ((call === 'read' || call === 'take') && result === undefined) return 'nothing'
  if (result === false) return 'not done'
  if (call === 'update') return typeof result === 'string' ? (result as StoreOutcome) : 'conflict'
  return call === 'read' || call === 'claim' ? (result as { state: StoreOutcome }).state : 'done'
}
