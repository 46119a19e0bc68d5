/**
 * koa-weapp-session/koa-store: sessions in a store that was made for koa-session.
 *
 * @module
 */
export { fromKoaStore, type KoaStoreOptions } from './store.js'
export type { KoaStore, KoaStoreEntry, KoaStoreHints } from './types.js'
