import { checkOptions, optionError } from '../../util/option-error.js'
import { checkTimeout, warnInProduction } from '../options.js'
import { LIST_MAX, type SessionStore, type StoredSession } from '../store.js'
import { expressDatabase } from './database.js'
import { endSession } from './ends.js'
import { expressLogins } from './logins.js'
import { expressTakings } from './takings.js'
import type { ExpressStore } from './types.js'
import { endsBefore, entryOf } from './written.js'

/** Options of {@link fromExpressStore}. */
export interface ExpressStoreOptions {
  /** Every id begins with it, after the prefix that the store itself has. Default `weapp-session:`. */
  prefix?: string
  /** ms for one call, which may ask the store several times. A later answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
}

/**
 * Keeps sessions in a store that was made for express-session. **For one process**: there it keeps every promise of
 * {@link SessionStore}, as long as the store finishes each write within 10 s. Such a store can read, write and destroy,
 * but not two of these in one step. So with several processes
 *
 * - when two get the same code at the same moment, both may send it to WeChat, which refuses one of them;
 * - of two changes of one session at the same moment, one may be lost without ERR_SESSION_CONFLICT;
 * - a change or a renewal that is under way while another process ends the session may bring it back;
 * - two logins of one user at the same moment, or a login and a revocation, may leave a session that
 *   `maxSessionsPerUser` does not count and `revoke()` does not find;
 * - the clocks of the processes decide whether a login or a revocation came first.
 *
 * `redisStore()` has none of these problems. In production this store warns of them at start-up.
 *
 * Ids are up to 20 characters of this package, 22 of a hash, and your prefix. `cookie.expires`, `maxAge` and
 * `originalMaxAge` say when an entry may be removed; a lifetime that the store itself sets must not be shorter.
 *
 * @throws {TypeError} when it is no such store, or an option is not valid
 *
 * @example
 * import { RedisStore } from 'connect-redis'
 *
 * weappSession({ appId, appSecret, store: fromExpressStore(new RedisStore({ client })) })
 */
export function fromExpressStore(store: ExpressStore, options: ExpressStoreOptions = {}): SessionStore {
  checkOptions('fromExpressStore', options, ['prefix', 'timeout'])
  const { prefix = 'weapp-session:', timeout = 250 } = options
  checkStore(store)
  if (typeof prefix !== 'string') throw optionError('fromExpressStore({ prefix }) must be a text')
  checkTimeout('fromExpressStore', timeout)
  warnInProduction(
    'WEAPP_EXPRESS_STORE',
    'Sessions are in a store of express-session: good for one process. With several, codes may be exchanged ' +
      'twice, changes lost and revocations missed.',
  )

  const db = expressDatabase(store, prefix, timeout)

  return {
    timeout,

    async read(id) {
      return entryOf(await db.look(id))
    },

    ...expressLogins(db),
    ...expressTakings(db),

    update(id, record) {
      return db.lockId(id, async () => {
        const written = await db.look(id)
        if (written?.state !== 'session') return 'ended'
        const { rev, expires } = written.record
        if (rev !== record.rev) return { met: written.record }

        await db.write(id, { state: 'session', record: { ...record, rev: rev + 1, expires } })
        return 'saved'
      })
    },

    renew(id, user, expires) {
      return db.lockUser(user, async () => {
        if (!endsBefore(await db.look(id), expires)) return
        const enrolled = await db.listOf(user)
        const mine = enrolled.find((one) => one.id === id)
        if (mine) mine.expires = expires
        await db.writeList(user, mine ? enrolled : [...enrolled, { id, expires }])
        await db.lockId(id, async () => {
          const written = await db.look(id)
          if (!endsBefore(written, expires)) return
          await db.write(id, { state: 'session', record: { ...written.record, expires } })
        })
      })
    },

    async end(id, user) {
      const wasThere = await endSession(db, id)
      await db.lockUser(user, () => db.removeFromList(user, [id]))
      return wasThere
    },

    async list(user) {
      const last = (await db.listOf(user))
        .sort((a, b) => a.expires - b.expires)
        .reverse()
        .slice(0, LIST_MAX)
      const stored = await Promise.all(
        last.map(async ({ id }) => ({ id, entry: entryOf(await db.look(id)) })),
      )
      const live = stored.flatMap(({ id, entry }): StoredSession[] =>
        entry?.state === 'session' ? [{ id, record: entry.record }] : [],
      )
      return live.sort((a, b) => b.record.created - a.record.created)
    },
  }
}

function checkStore(store: ExpressStore): void {
  const methods = ['get', 'set', 'destroy'] as const
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw optionError(
      'fromExpressStore() needs a store of express-session, with get, set and destroy: new RedisStore({ client }), say',
    )
  }
}
