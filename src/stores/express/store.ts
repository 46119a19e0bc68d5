import { settingsOf } from '../key-value/settings.js'
import { checkShape, EXPRESS } from '../key-value/shape.js'
import { createKeyValueStore } from '../key-value/store.js'
import { warnInProduction } from '../options.js'
import type { SessionStore } from '../store.js'
import { expressPort } from './port.js'
import type { ExpressStore } from './types.js'

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
  const settings = settingsOf('fromExpressStore', options)
  checkShape(store, EXPRESS)
  warnInProduction(
    'WEAPP_EXPRESS_STORE',
    'Sessions are in a store of express-session: good for one process. With several, codes may be exchanged ' +
      'twice, changes lost and revocations missed.',
  )
  return createKeyValueStore(expressPort(store), settings)
}
