import { requireWxUser } from 'koa-weapp-session'
import { handlers } from './handlers.mjs'

const guard = requireWxUser()

/** @param {import('koa').Context} ctx */
export function routes(ctx) {
  if (ctx.path === '/members') return guard(ctx, async () => handlers.me(ctx))
  return handlers[ctx.path.slice(1)]?.(ctx)
}
