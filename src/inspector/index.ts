/**
 * koa-weapp-session/inspector: the requests of your own app, in development.
 *
 * @module
 */
export { type Inspector, inspector } from './inspector.js'
export type { InspectorOptions } from './options.js'
export type { Entry, EventEntry, Message, RequestEntry, Situation } from './protocol.js'
