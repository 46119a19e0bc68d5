import type { Context, Middleware } from 'koa'
import { within } from './deadline.js'

/** ms that each part has to say that it is ready. Shorter than what a load balancer waits. */
const PATIENCE = 1000

/** A part of the server that has to work; rejects while it does not. */
export type Check = () => Promise<void>

/**
 * `GET /healthz`: this process lives. `GET /readyz`: it can serve, because everything that it needs answers; 503
 * tells a load balancer to ask another one, and says which part it is. Restart a process for the first, never for the
 * second: a new process would find the same Redis away.
 */
export function health(checks: Record<string, Check>): Middleware {
  return async function health(ctx, next) {
    if (ctx.path === '/healthz') answer(ctx, 200, { status: 'ok' })
    else if (ctx.path === '/readyz') await answerReadiness(ctx)
    else await next()
  }

  async function answerReadiness(ctx: Context): Promise<void> {
    const failures = await Promise.all(Object.entries(checks).map(failureOf))
    const failed = failures.filter((name) => name !== undefined)
    if (failed.length === 0) answer(ctx, 200, { status: 'ready' })
    else answer(ctx, 503, { status: 'not ready', failed })
  }
}

/** The name of a part that does not work. Not why: whoever may ask need not know our addresses. */
async function failureOf([name, check]: [string, Check]): Promise<string | undefined> {
  try {
    await within(PATIENCE, name, Promise.resolve().then(check))
    return undefined
  } catch {
    return name
  }
}

function answer(ctx: Context, status: number, body: object): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.status = status
  ctx.body = body
}
