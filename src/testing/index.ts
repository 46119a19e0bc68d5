/**
 * koa-weapp-session/testing: the promises of {@link SessionStore}, as tests for whoever writes a store. They run in any
 * test runner: each is an async function that throws when a promise is broken.
 *
 * @module
 */

export { type ExpiryCase, type StoredEntry, storeExpiryContract } from './expiry-contract.js'
export type { StoreCase } from './store-case.js'
export { storeContract } from './store-contract.js'
