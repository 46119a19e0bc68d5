/** Servers and proxies with one thing wrong: the model has to find each. */
import type { ServerResponse } from 'node:http'
import type Koa from 'koa'

/** Has the last word on the headers: what our middleware puts in is there already. */
function onWrite(app: Koa, change: (response: ServerResponse, path: string) => void): void {
  app.use(async (ctx, next) => {
    const { writeHead } = ctx.res
    ctx.res.writeHead = function last(...args: unknown[]) {
      change(ctx.res, ctx.url)
      return Reflect.apply(writeHead, ctx.res, args) as ServerResponse
    } as ServerResponse['writeHead']
    await next()
  })
}

export const FAULTS: Record<string, (app: Koa) => void> = {
  'the word is lost where a handler throws': (app) =>
    onWrite(app, (response) => response.statusCode >= 500 && response.removeHeader('Weapp-Login')),

  'the credential is lost in a stream': (app) =>
    onWrite(app, (response, path) => path.includes('way=stream') && response.removeHeader('Weapp-Session')),

  'the credential is lost where a handler throws': (app) =>
    onWrite(app, (response) => response.statusCode >= 400 && response.removeHeader('Weapp-Session')),

  'each fifth request is nobody’s, and nobody is told': (app) => {
    let requests = 0
    app.use(async (ctx, next) => {
      if (++requests % 5 === 0) delete ctx.req.headers['weapp-session']
      await next()
    })
  },

  'each seventh session is refused although it lives': (app) => {
    let requests = 0
    app.use(async (ctx, next) => {
      if (ctx.req.headers['weapp-session'] && ++requests % 7 === 0) ctx.req.headers['weapp-session'] = 'dead'
      await next()
    })
  },
}
