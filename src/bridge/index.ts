/**
 * koa-weapp-session/bridge: the sessions in servers that are not Koa's.
 *
 * @module
 */
export { type FastifyBridge, type FastifyRequestLike, fastifyBridge } from './fastify.js'
export { type HonoBridge, type HonoContextLike, honoBridge } from './hono.js'
export { type NextFunction, type NodeBridge, nodeBridge } from './node.js'
export { type BridgedRequest, handlerFailed, wxSession, wxUser } from './request.js'
export type { BridgeOptions } from './visit.js'
