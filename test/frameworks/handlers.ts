/** What the routes of every app do, by their names. Each framework calls them as it calls handlers of its own. */
import { Readable } from 'node:stream'
import type { Context } from 'koa'

export type Handler = (ctx: Context) => void | Promise<void>

export const handlers: Record<string, Handler> = {
  me(ctx) {
    ctx.body = { user: ctx.$wxUserInfo }
  },
  throws() {
    throw new Error('planted: a handler has thrown')
  },
  'not-found'(ctx) {
    ctx.throw(404)
  },
  redirects(ctx) {
    ctx.redirect('/me')
  },
  streams(ctx) {
    ctx.type = 'text/plain'
    ctx.body = Readable.from(['one ', 'two'])
  },
  'own-cookie'(ctx) {
    ctx.set({ 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
    ctx.body = { user: ctx.$wxUserInfo }
  },
  'by-hand'(ctx) {
    ctx.respond = false
    ctx.res.writeHead(200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
    ctx.res.end('by hand')
  },
  'by-hand-from-a-list'(ctx) {
    ctx.respond = false
    ctx.res.writeHead(200, 'OK', ['Set-Cookie', 'own=1; path=/', 'Cache-Control', 'public'])
    ctx.res.end('by hand')
  },
  /** An error of ours, which the framework answers. */
  async refused(ctx) {
    await ctx.$wxSession?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
  },
  async 'rotates-and-throws'(ctx) {
    await ctx.$wxSession?.rotate()
    throw new Error('planted: a handler has thrown after rotate()')
  },
  async 'ends-and-is-gone'(ctx) {
    await ctx.$wxSession?.destroy()
    ctx.throw(410)
  },
}
