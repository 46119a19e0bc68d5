import Koa from 'koa'
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
}

/** The server of One stroke. Top to bottom, as a request sees it. */
export function createApp({ session, drawings, log = printFailures, checks = {} }: AppOptions): Koa {
  const app = new Koa()
  // The session middleware tells of outages here.
  app.on('error', (error: unknown, ctx?: Koa.Context) => {
    if (ctx) ctx.state.error = error
  })

  const router = paints(drawings)
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
