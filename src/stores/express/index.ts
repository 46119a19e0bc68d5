/**
 * koa-weapp-session/express-store: sessions in a store that was made for express-session.
 *
 * @module
 */
export { type ExpressStoreOptions, fromExpressStore } from './store.js'
export type { ExpressCookie, ExpressStore } from './types.js'
