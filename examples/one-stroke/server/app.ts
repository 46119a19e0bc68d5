import Koa, { type Middleware } from 'koa'
import type { WeappSession } from 'koa-weapp-session'
import { answers, type Log } from './answers.js'
import type { DrawingStore } from './drawings.js'
import { type Check, health } from './health.js'
import { paints } from './paints.js'

export interface AppOptions {
  session: WeappSession
  drawings: DrawingStore
  /** Called once for each request that is answered. Default: prints what went wrong on our side. */
  log?: Log
  /** What else has to work before `/readyz` says so, by name. The drawings are always asked. */
  checks?: Record<string, Check>
  /** What comes before all else: in development, the inspector. Default: nothing. */
  first?: Middleware[]
}

/** The server of One stroke. Top to bottom, as a request sees it. */
export function createApp(options: AppOptions): Koa {
  const { session, drawings, log = printFailures, checks = {}, first = [] } = options
  const app = new Koa()
  // The session middleware tells of outages here.
  app.on('error', (error: unknown, ctx?: Koa.Context) => {
    if (ctx) ctx.state.error = error
  })

  const router = paints(drawings)
  for (const middleware of first) app.use(middleware)
  app.use(health({ ...checks, drawings: async () => drawings.isReady?.() }))
  app.use(answers(log))
  app.use(session)
  app.use(router.routes())
  app.use(router.allowedMethods())
  return app
}

function printFailures({ method, path, status, error }: Parameters<Log>[0]): void {
  if (error !== undefined) console.error(`${method} ${path} ${status}:`, error)
}
