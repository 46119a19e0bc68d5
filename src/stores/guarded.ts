import { deadline } from '../deadline.js'
import { WeappSessionError } from '../errors.js'
import type { SessionStore } from '../store.js'
import type { Warn } from '../warn.js'

/** ms */
const DEFAULT_TIMEOUT = 250

/** Seconds after which another try makes sense. */
const RETRY_AFTER = 1

/**
 * A store that never keeps a request waiting: each call ends within the store's `timeout`, and whatever goes
 * wrong in it is ERR_STORE_UNAVAILABLE. An outage must not look like "no such session", or every phone would
 * log in again at once.
 */
export function guarded(store: SessionStore, warn: Warn): SessionStore {
  const { timeout = DEFAULT_TIMEOUT } = store

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await (timeout > 0 ? deadline(timeout, work(), tooLate) : work())
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : 'it threw something that is no error'
      warn('WEAPP_STORE', `The session store fails, and requests that need it get 503: ${why}`)
      throw new WeappSessionError('ERR_STORE_UNAVAILABLE', { retryAfter: RETRY_AFTER, cause })
    }
  }

  function tooLate(): Error {
    return new Error(`no answer within ${timeout} ms`)
  }

  return {
    timeout,
    read: (id) => call(() => store.read(id)),
    claim: (id) => call(() => store.claim(id)),
    refuse: (claim, refusal) => call(() => store.refuse(claim, refusal)),
    create: (session) => call(() => store.create(session)),
    update: (id, record) => call(() => store.update(id, record)),
    renew: (id, user, expires) => call(() => store.renew(id, user, expires)),
    end: (id, user) => call(() => store.end(id, user)),
    list: (user) => call(() => store.list(user)),
    revoke: (user) => call(() => store.revoke(user)),
    close: async () => store.close?.(),
  }
}
