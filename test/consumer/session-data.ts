/** Users declare what they keep in a session: compiled against the built package by `npm run types`, never run. */
import type { Context } from 'koa'
import type { WxSession } from 'koa-weapp-session'

declare module 'koa-weapp-session' {
  interface SessionData {
    cart?: string[]
  }
}

export function addToCart(session: WxSession, ctx: Context): void {
  session.data.cart = [...(session.data.cart ?? []), 'milk']
  const first: string | undefined = ctx.$wxSession?.data.cart?.[0]
  // @ts-expect-error a cart holds texts
  session.data.cart = [7]
  ctx.body = { first }
}
