import { createHash, randomBytes } from 'node:crypto'
import type { Context } from 'koa'

/** Of the Redis that weapp-session has its sessions in. A client of node-redis fits. */
export interface OldRedis {
  getDel(key: string): Promise<string | null>
}

export interface TakeOverOptions {
  client: OldRedis
  /** The one that weapp-session has. Default `weapp-session:`. */
  prefix?: string
  /** How WeChat is reached for everything else. Default: the global one. */
  fetch?: typeof fetch
}

/** What weapp-session has under `prefix + code`: rawData's fields, and the openId. */
interface OldUser {
  openId: string
}

/** What an old session becomes: a login, and WeChat's answer to it. */
interface Taken {
  /** As in a header: percent-encoded. */
  rawData: string
  signature: string
  answer: string
}

/** How the names of headers begin, in lower case: those of `createSession()`, and those of 2016. */
const FAMILIES = ['weapp-', 'x-wx-']

/**
 * Lets users of weapp-session stay logged in when koa-weapp-session takes its place: a code that weapp-session has a
 * session for is logged in once more, with its word instead of WeChat's. For the two hours that its sessions live: it
 * costs each request a read of the old Redis.
 *
 * An old session is taken once, and is then no longer an old one: so a logout stays a logout.
 *
 * @example
 * const old = takeOver({ client })
 * app.use(old.middleware)
 * app.use(weappSession({ appId, appSecret, store, wechat: { fetch: old.fetch } }))
 */
export function takeOver(options: TakeOverOptions) {
  const { client, prefix = 'weapp-session:', fetch: reach = fetch } = options
  /** The old sessions that are being taken: requests with the same code share one. */
  const takings = new Map<string, Promise<Taken | undefined>>()

  return { middleware: takeOver, fetch: fetchUnlessTaken }

  async function takeOver(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    const families = FAMILIES.filter((name) => ctx.get(`${name}code`))
    const [code, twin] = new Set(families.map((name) => ctx.get(`${name}code`)))
    const isLogin = FAMILIES.some((name) => ctx.get(`${name}rawdata`) || ctx.get(`${name}login`))
    // Two codes in one request are refused by weappSession(): neither session is used up for that.
    if (!code || twin || isLogin) return void (await next())

    const taking = takings.get(code) ?? take(code)
    takings.set(code, taking)
    try {
      const { rawData, signature } = (await taking) ?? {}
      for (const name of rawData ? families : []) {
        ctx.req.headers[`${name}rawdata`] = rawData
        ctx.req.headers[`${name}signature`] = signature
      }
      await next()
    } finally {
      takings.delete(code)
    }
  }

  async function fetchUnlessTaken(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
    const { pathname, searchParams } = new URL(String(url))
    const code = pathname === '/sns/jscode2session' ? searchParams.get('js_code') : null
    const taken = await takings.get(code ?? '')
    return taken ? new Response(taken.answer) : reach(url, init)
  }

  async function take(code: string): Promise<Taken | undefined> {
    const user = parse(await client.getDel(prefix + code))
    if (!user) return undefined
    const { openId, ...profile } = user
    const rawData = JSON.stringify(profile)
    // weapp-session has kept no session_key: this one signs the profile, and is good for nothing else.
    const sessionKey = randomBytes(16).toString('base64')
    const signature = createHash('sha1')
      .update(rawData + sessionKey)
      .digest('hex')
    return {
      rawData: encodeURIComponent(rawData),
      signature,
      answer: JSON.stringify({ openid: openId, session_key: sessionKey }),
    }
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
