import type { Context, Middleware } from 'koa'
import { readCredentials } from './credentials.js'
import { exchanges } from './exchange.js'
import { idsOf } from './id.js'
import { logins } from './login.js'
import { settle, type WeappSessionOptions } from './options.js'
import { refuse, useLegacyStatus } from './refusal.js'
import { sealerFor } from './seal.js'
import { type FoundSession, type OpenSession, sessions } from './session.js'
import type { SessionRecord } from './store.js'
import { guarded } from './stores/guarded.js'
import { warnings } from './warn.js'
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
  const { appId, appSecret, carrier, ttl, rolling, maxAge, maxSessionsPerUser, ignore, onLogin } = settled
  const { wechat, legacyStatus, ignoreSignature } = settled
  const warn = warnings()
  const store = guarded(settled.store, warn.rarely)
  const ids = idsOf(appId, ignoreSignature)
  const sealer = sealerFor(appSecret)
  const exchange = exchanges({
    store,
    code2Session: code2Session({ appId, appSecret, ...wechat, warn }),
    concurrency: wechat.concurrency,
    lease: wechat.timeout + TIME_FOR_THE_STORE,
  })
  const common = { appId, ids, store, sealer, ttl }
  const { logIn, find } = logins({ ...common, exchanges: exchange, maxSessionsPerUser, ignoreSignature })
  const { open, renew } = sessions({ ...common, rolling, maxAge })

  async function weappSession(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    attach(ctx, undefined)
    if (legacyStatus) useLegacyStatus(ctx)
    if (ignore(ctx)) return void (await next())

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
    const credentials = readCredentials(ctx.req, carrier, ignoreSignature)
    switch (credentials.kind) {
      case 'none':
        return undefined
      case 'login': {
        const { isNew, ...found } = await logIn(credentials.login, (draft) => welcome(ctx, draft))
        return open(found, isNew, leaver(ctx))
      }
      case 'session': {
        const found = await renew(await find(credentials.credential))
        return open(found, false, leaver(ctx))
      }
    }
  }

  /** Lets the application see a session that is about to be stored, fill its data, or veto it by throwing. */
  async function welcome(ctx: Context, draft: FoundSession): Promise<SessionRecord> {
    if (!onLogin) return draft.record
    const session = open(draft, true, leaver(ctx))
    attach(ctx, session)
    await onLogin(session.visible, ctx)
    return session.changed() ?? draft.record
  }

  return Object.assign(weappSession, {
    async revoke(openId: string) {
      if (typeof openId !== 'string' || openId === '')
        throw new TypeError('koa-weapp-session: revoke() needs an openId')
      await store.revoke(ids.user(openId))
    },
    async close() {
      await store.close?.()
    },
  })
}

function attach(ctx: Context, session: OpenSession | undefined): void {
  ctx.$wxUserInfo = session?.user ?? null
  ctx.$wxSession = session?.visible ?? null
}

/** What a session does to its request when it ends. */
function leaver(ctx: Context): () => void {
  return () => attach(ctx, undefined)
}

/** ms that a login takes beside its exchange, at most, before others believe that its process has died. */
const TIME_FOR_THE_STORE = 1000
