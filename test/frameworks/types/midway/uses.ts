/** Facts about our types in Midway, with its own: compiled, never run. */
import { App, Configuration, Controller, Get, type IMiddleware, Inject, Middleware } from '@midwayjs/core'
import * as koa from '@midwayjs/koa'
import {
  memoryStore,
  requireWxUser,
  type UserContext,
  type WxSession,
  type WxUserInfo,
  weappSession,
} from 'koa-weapp-session'
import { type Equal, isTrue } from './equal.js'

declare module 'koa-weapp-session' {
  interface SessionData {
    cart?: string[]
  }
}

const session = weappSession({
  appId: 'wx',
  appSecret: 's',
  store: memoryStore(),
  // Midway's context, where it is wanted.
  ignore: (ctx: koa.Context) => ctx.path === '/health',
  onLogin(session, ctx) {
    isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo>>()
    session.data.cart = []
  },
})

@Configuration({ imports: [koa] })
export class MainConfiguration {
  @App('koa')
  app!: koa.Application

  async onReady(): Promise<void> {
    this.app.use(session)
    this.app.useMiddleware(session)
    this.app.useMiddleware([session, requireWxUser(), LogMiddleware])
    this.app.getMiddleware<koa.NextFunction, unknown>().insertFirst(session)
  }
}

@Middleware()
export class LogMiddleware implements IMiddleware<koa.Context, koa.NextFunction> {
  resolve() {
    return async (ctx: koa.Context, next: koa.NextFunction): Promise<void> => {
      isTrue<Equal<typeof ctx.$wxUserInfo, WxUserInfo | null>>()
      await next()
    }
  }
}

/** A class around it, as Midway's documents have it for middleware of Koa. */
@Middleware()
export class MembersMiddleware implements IMiddleware<koa.Context, koa.NextFunction> {
  resolve() {
    return requireWxUser()
  }
}

@Controller('/members', { middleware: [session, MembersMiddleware] })
export class MemberController {
  @Inject()
  ctx!: koa.Context & UserContext

  @Get('/', { middleware: [requireWxUser()] })
  me() {
    isTrue<Equal<typeof this.ctx.$wxUserInfo, WxUserInfo>>()
    isTrue<Equal<typeof this.ctx.$wxSession, WxSession>>()
    return { cart: this.ctx.$wxSession.data.cart, from: this.ctx.startTime }
  }
}
