/** What the examples of docs/api/ take for granted, beside what those of the other documents do. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Router from '@koa/router'
import type Koa from 'koa'
import type { SessionStore as Store } from 'koa-weapp-session'
import type {
  FastifyBridge,
  FastifyRequestLike,
  HonoBridge,
  HonoContextLike,
  NodeBridge,
} from 'koa-weapp-session/bridge'
import type { createClient } from 'redis'

/** As much of other frameworks as the examples need. Their real types are in test/frameworks. */
type Express = Record<'get' | 'post', (path: string, ...handlers: ExpressHandler[]) => void> & {
  use(middleware: NodeBridge | NodeBridge['onError']): void
}
type ExpressHandler = (
  req: IncomingMessage,
  res: ServerResponse & { json(body: unknown): void },
  next: () => void,
) => void
interface Fastify {
  register(plugin: FastifyBridge): Promise<void>
  get(
    path: string,
    options: { preHandler: FastifyBridge['requireUser'] },
    handler: (request: FastifyRequestLike) => Promise<unknown>,
  ): void
}
interface Hono {
  use(middleware: HonoBridge): void
  get(
    path: string,
    middleware: HonoBridge['requireUser'],
    handler: (c: HonoContextLike & { json(body: unknown): Response }) => Response,
  ): void
}

declare global {
  const expressApp: Express
  const fastify: Fastify
  const hono: Hono
  const router: Router
  const listOrders: Koa.Middleware
  const client: ReturnType<typeof createClient>
  const url: string
  const baseUrl: string
  const code: string
  const openId: string
  let phone: unknown
  /** Of @koa/cors. */
  function cors(options: { origin?: string; credentials?: boolean; exposeHeaders?: string[] }): Koa.Middleware
  function count(what: string): void
  function myStore(): Store
  function retryLater(): void
  function askToTapAgain(): void
}
