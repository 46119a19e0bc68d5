import type { Context, Middleware } from 'koa'
import { readCredentials } from './credentials.js'
import { idsOf } from './id.js'
import { logins } from './login.js'
import { settle, type WeappSessionOptions } from './options.js'
import { refuse, useLegacyStatus } from './refusal.js'
import { sealer } from './seal.js'
import { type FoundSession, type OpenSession, sessions } from './session.js'
import type { SessionRecord } from './store.js'
import { guarded } from './stores/guarded.js'
import { warnOnce } from './warn.js'
import { code2Session } from './wechat.js'

/** The middleware, and what can be done to sessions from outside a request. */
export interface WeappSession extends Middleware {
  /**
   * Ends every session of a user, in every process.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: some may still be alive, call it again
   */
  revoke(openId: string): Promise<void>
  /** Lets go of what the store has opened. */
  close(): Promise<void>
}

/**
 * Gives each request its WeChat user: `ctx.$wxUserInfo` and `ctx.$wxSession`, or `null` for a request without a
 * credential. A credential that is not good is refused, and the request goes no further.
 *
 * @throws {TypeError} at start-up, when an option makes no sense
 *
 * @example
 * const session = weappSession({ appId, appSecret, store: redisStore({ url }) })
 * app.use(session)
 * app.use((ctx) => { ctx.body = { user: ctx.$wxUserInfo } })
 */
export function weappSession(options: WeappSessionOptions): WeappSession {
  const settled = settle(options)
  const { appId, appSecret, carrier, ignore, onLogin, wechat, legacyStatus, ignoreSignature } = settled
  const rooms = {
    ...settled,
    store: guarded(settled.store),
    ids: idsOf(appId, ignoreSignature),
    sealer: sealer(appSecret),
    exchange: code2Session({ appId, appSecret, ...wechat, warn: warnOnce() }),
    lease: leaseFor(wechat.timeout),
  }
  const { logIn, find } = logins(rooms)
  const { open, renew } = sessions(rooms)

  async function weappSession(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    attach(ctx, undefined)
    if (ignore(ctx)) return void (await next())
    if (legacyStatus) useLegacyStatus(ctx)

    let session: OpenSession | undefined
    try {
      session = await identify(ctx)
    } catch (error) {
      return refuse(ctx, error)
    }
    attach(ctx, session)

    // In no try: a handler's error is the handler's, and leaves the session as it was.
    await next()

    try {
      await session?.save()
    } catch (error) {
      refuse(ctx, error)
    }
  }

  async function identify(ctx: Context): Promise<OpenSession | undefined> {
    const claim = readCredentials(ctx.req, carrier, ignoreSignature)
    switch (claim.kind) {
      case 'none':
        return undefined
      case 'login': {
        const { isNew, ...found } = await logIn(claim.login, (draft) => welcome(ctx, draft))
        return open(found, isNew, () => attach(ctx, undefined))
      }
      case 'session': {
        const found = await renew(await find(claim.credential))
        return open(found, false, () => attach(ctx, undefined))
      }
    }
  }

  /** Lets the application see a session that is about to be stored, fill its data, or veto it by throwing. */
  async function welcome(ctx: Context, draft: FoundSession): Promise<SessionRecord> {
    if (!onLogin) return draft.record
    const session = open(draft, true, () => attach(ctx, undefined))
    attach(ctx, session)
    await onLogin(session.visible, ctx)
    return session.changed() ?? draft.record
  }

  return Object.assign(weappSession, {
    async revoke(openId: string) {
      if (typeof openId !== 'string' || openId === '')
        throw new TypeError('koa-weapp-session: revoke() needs an openId')
      await rooms.store.revoke(rooms.ids.user(openId))
    },
    async close() {
      await rooms.store.close?.()
    },
  })
}

function attach(ctx: Context, session: OpenSession | undefined): void {
  ctx.$wxUserInfo = session?.user ?? null
  ctx.$wxSession = session?.visible ?? null
}

/** ms. Long enough for the exchange and the store, short enough that nobody waits long for a process that died. */
function leaseFor(timeout: number): number {
  return Math.min(timeout + 1000, 5000)
}
