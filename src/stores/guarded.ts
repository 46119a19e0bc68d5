import { breaker } from '../breaker.js'
import { deadline } from '../deadline.js'
import { WeappSessionError } from '../errors.js'
import type { SessionStore } from '../store.js'
import type { Warn } from '../warn.js'

/** ms */
const DEFAULT_TIMEOUT = 250

/** Seconds after which another try makes sense. */
const RETRY_AFTER = 1

/** A call that the store did not answer in time. */
class TooLate extends Error {}

/**
 * A store that never keeps a request waiting: each call ends within the store's `timeout`, and whatever goes
 * wrong in it is ERR_STORE_UNAVAILABLE. An outage must not look like "no such session", or every phone would
 * log in again at once.
 *
 * A store that hangs is asked by one call at a time, until it answers again: so that calls which nobody waits
 * for any more do not pile up in front of it. Only lateness counts: one that answers with an error (Redis, when
 * it is full or a replica, to every write) may well be right for the next call.
 */
export function guarded(store: SessionStore, warn: Warn): SessionStore {
  const { timeout = DEFAULT_TIMEOUT } = store
  const isFailure = (error: unknown) => error instanceof TooLate
  // Nearly all: of a cluster, one node may hang while the others answer.
  const hanging = breaker({ of: 'store', isFailure, window: 1000, share: 0.9, coolDown: 500 })

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (timeout === 0) return await work()
      return await hanging.run(() => deadline(timeout, work(), tooLate))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'it threw something that is no error'
      warn('WEAPP_STORE', `The session store fails, and requests that need it get 503: ${why}`)
      throw new WeappSessionError('ERR_STORE_UNAVAILABLE', { retryAfter: RETRY_AFTER, cause })
    }
  }

  function tooLate(): Error {
    return new TooLate(`no answer within ${timeout} ms`)
  }

  return {
    timeout,
    read: (id) => call(() => store.read(id)),
    claim: (id) => call(() => store.claim(id)),
    refuse: (claim, refusal) => call(() => store.refuse(claim, refusal)),
    create: (session) => call(() => store.create(session)),
    update: (id, record) => call(() => store.update(id, record)),
    renew: (id, user, expires) => call(() => store.renew(id, user, expires)),
    end: (id, user, rev) => call(() => store.end(id, user, rev)),
    list: (user) => call(() => store.list(user)),
    revoke: (user) => call(() => store.revoke(user)),
    close: async () => store.close?.(),
  }
}
