import { createHash, randomBytes } from 'node:crypto'
import type { Context, Middleware } from 'koa'

/** Of the Redis that weapp-session has its sessions in. A client of node-redis fits. */
export interface OldRedis {
  getDel(key: string): Promise<string | null>
}

export interface TakeOverOptions {
  client: OldRedis
  /** The one that weapp-session has. Default `weapp-session:`. */
  prefix?: string
}

/** What weapp-session has under `prefix + code`: rawData's fields, and the openId. */
interface OldUser {
  openId: string
}

/**
 * Lets users of weapp-session stay logged in when koa-weapp-session takes its place: a code that the new server does not
 * know, and the old one did, is logged in once more, with the old server's word instead of WeChat's.
 *
 * An old session is taken once, and is then no longer an old one: so a logout stays a logout.
 */
export function takeOver({ client, prefix = 'weapp-session:' }: TakeOverOptions) {
  /** What WeChat would say to the codes that are being taken over. */
  const answers = new Map<string, string>()

  return { fetch: fetchUnlessTaken, middleware }

  /** For `weappSession({ wechat: { fetch } })`. */
  async function fetchUnlessTaken(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
    const { pathname, searchParams } = new URL(String(url))
    const answer = pathname === '/sns/jscode2session' && answers.get(searchParams.get('js_code') ?? '')
    return answer ? new Response(answer) : fetch(url, init)
  }

  /** For `app.use()`, in the place of what `weappSession()` has made. */
  function middleware(session: Middleware): Middleware {
    return async function takeOver(ctx, next) {
      let isHandled = false
      const once = () => {
        isHandled = true
        return next()
      }
      await session(ctx, once)
      const isUnknown = ctx.response.get('X-WX-Session-Error') === 'ERR_SESSION_EXPIRED'
      const code = ctx.get('X-WX-Code')
      if (isHandled || !isUnknown || !code || ctx.get('X-WX-RawData')) return

      const user = parse(await client.getDel(prefix + code))
      if (user) logIn(ctx, code, user)
      try {
        ctx.body = null
        ctx.status = 404
        ctx.remove('X-WX-Session-Error')
        // Also when there was nothing: another request with this code may have taken it a moment ago.
        await session(ctx, once)
      } finally {
        if (user) answers.delete(code)
      }
    }
  }

  /** Makes a login of the request: the profile is signed with a key that nobody will ever have. */
  function logIn(ctx: Context, code: string, { openId, ...profile }: OldUser): void {
    const sessionKey = randomBytes(16).toString('base64')
    const rawData = JSON.stringify(profile)
    answers.set(code, JSON.stringify({ openid: openId, session_key: sessionKey }))
    Object.assign(ctx.req.headers, {
      'x-wx-rawdata': encodeURIComponent(rawData),
      'x-wx-signature': createHash('sha1')
        .update(rawData + sessionKey)
        .digest('hex'),
    })
  }
}

/** Under an openId weapp-session has the user's code, a text: that is no session. */
function parse(json: string | null): OldUser | undefined {
  try {
    const value = JSON.parse(json ?? 'null')
    return typeof value?.openId === 'string' && value.openId !== '' ? value : undefined
  } catch {
    return undefined
  }
}
