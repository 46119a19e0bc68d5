import { settingsOf } from '../key-value/settings.js'
import { checkShape, KOA } from '../key-value/shape.js'
import { createKeyValueStore } from '../key-value/store.js'
import { warnInProduction } from '../options.js'
import type { SessionStore } from '../store.js'
import { koaPort } from './port.js'
import type { KoaStore } from './types.js'

/** Options of {@link fromKoaStore}. */
export interface KoaStoreOptions {
  /** Every id begins with it, after the prefix that the store itself has. Default `weapp-session:`. */
  prefix?: string
  /** ms for one call, which may ask the store several times. A later answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
}

/**
 * Keeps sessions in a store that was made for koa-session: koa-redis, say. **For one process**, with the limits of
 * `fromExpressStore()`: such a store can read, write and destroy, but not two of these in one step. `redisStore()` has none of
 * these limits. In production this store warns of them at start-up.
 *
 * A store is told how long to keep an entry by `maxAge`, in ms; in the entry, `_expire`, `_maxAge` and `cookie` say the same. A lifetime
 * that it sets by itself must not be shorter.
 *
 * @throws {TypeError} when it is no such store, or an option is not valid
 *
 * @example
 * import koaRedis from 'koa-redis'
 *
 * weappSession({ appId, appSecret, store: fromKoaStore(koaRedis({ host: '127.0.0.1' })) })
 */
export function fromKoaStore(store: KoaStore, options: KoaStoreOptions = {}): SessionStore {
  const settings = settingsOf('fromKoaStore', options)
  checkShape(store, KOA)
  warnInProduction(
    'WEAPP_KOA_STORE',
    'Sessions are in a store of koa-session: good for one process. With several, codes may be exchanged ' +
      'twice, changes lost and revocations missed.',
  )
  return createKeyValueStore(koaPort(store), settings)
}
