import Router from '@koa/router'
import Koa, { type Context } from 'koa'
import {
  headerCarrier,
  requireWxUser,
  WeappSessionError,
  type WeappSessionOptions,
  weappSession,
} from 'koa-weapp-session'
import getRawBody from 'raw-body'
import type { Accounts } from './accounts.js'

declare module 'koa-weapp-session' {
  interface SessionData {
    /** The account that the user has bound. */
    accountId?: string
  }
}

export interface AppOptions extends WeappSessionOptions {
  accounts: Accounts
  /** The secret that signs credentials, the same in every process. */
  key: string
}

/** A server whose users have accounts, which they bind to their WeChat with a phone number and a password. */
export function createApp({ accounts, key, ...options }: AppOptions): Koa {
  const sessions = weappSession({
    ...options,
    carrier: headerCarrier({ keys: key }),
    async onLogin({ data }, { $wxUserInfo }) {
      const accountId = await accounts.boundTo($wxUserInfo.openId)
      if (accountId) data.accountId = accountId
    },
  })

  // A session is good for the binding that it began with. One from before it, on another phone of the user or in the
  // hands of a thief, is refused, in every process. The client on that phone logs in again, without a word to the
  // user, and `onLogin` tells its new session of the account. The thief cannot.
  // Not destroyed here: the request that binds is about to rotate it.
  async function refuseOutdated(ctx: Context, next: () => Promise<unknown>): Promise<unknown> {
    const { $wxUserInfo: user, $wxSession: session } = ctx
    if (user && session && session.data.accountId !== (await accounts.boundTo(user.openId))) {
      throw new WeappSessionError('ERR_SESSION_EXPIRED')
    }
    return next()
  }

  const router = new Router()

  router.get('/account', requireWxUser(), (ctx) => {
    const { accountId } = ctx.$wxSession.data
    ctx.body = { bound: accountId !== undefined, accountId }
  })

  router.post('/bind', requireWxUser(), async (ctx) => {
    const { $wxUserInfo, $wxSession: session } = ctx
    const { openId } = $wxUserInfo
    const { phone, password } = await readForm(ctx)
    if (session.data.accountId) return ctx.throw(409, ALREADY)

    const verdict = await accounts.check({ phone, password, openId })
    if (verdict === 'wrong')
      return ctx.throw(403, 'This phone number and this password do not belong together.')
    if ('retryAfter' in verdict) {
      const headers = { 'Retry-After': String(verdict.retryAfter) }
      return ctx.throw(429, 'That was tried too often: wait a while.', { headers })
    }
    if (!(await accounts.bind(openId, verdict.accountId))) return ctx.throw(409, ALREADY)

    session.data.accountId = verdict.accountId
    // Whoever knew the credential until now, knows nothing any more. The client finds the new one in the response.
    await session.rotate()
    ctx.body = { bound: true, accountId: verdict.accountId }
  })

  router.delete('/bind', requireWxUser(), async (ctx) => {
    const { openId } = ctx.$wxUserInfo
    // First every session of the user, this one too: when that fails, nothing has changed, and it can be asked again.
    await sessions.revoke(openId)
    await accounts.unbind(openId)
    ctx.body = { bound: false }
  })

  const app = new Koa()
  app.use(sessions)
  app.use(refuseOutdated)
  app.use(router.routes())
  return app
}

const ALREADY = 'This account, or this WeChat user, is bound already: unbind it first.'

async function readForm(ctx: Context): Promise<{ phone: string; password: string }> {
  const text = await getRawBody(ctx.req, { limit: '1kb', encoding: 'utf8' })
  try {
    const { phone, password } = JSON.parse(text)
    if (typeof phone === 'string' && typeof password === 'string') return { phone, password }
  } catch {
    // Said below.
  }
  return ctx.throw(400, 'The body must be JSON, with phone and password.')
}
