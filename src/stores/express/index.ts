/**
 * koa-weapp-session/express-store: sessions in a store that was made for express-session.
 *
 * @module
 */
export type { ExpressCookie } from '../key-value/cookie.js'
export { type ExpressStoreOptions, fromExpressStore } from './store.js'
export type { ExpressStore } from './types.js'
