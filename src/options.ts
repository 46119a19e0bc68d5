import type { Context } from 'koa'
import type { Carrier, SessionCarrier } from './carriers/carrier.js'
import type { Trust, TrustedSource } from './carriers/cloud-run.js'
import { codeCarrier } from './carriers/code.js'
import { loginOriginCheck } from './login/login-origins.js'
import { headerNames, PREFIX, PREFIX_2016 } from './protocol.js'
import type { WxSession } from './session/session.js'
import { memoryStore } from './stores/memory/store.js'
import type { SessionStore } from './stores/store.js'
import { checkOptions, optionError } from './util/option-error.js'

/** Options of {@link weappSession}. */
export interface WeappSessionOptions {
  /** The mini program's appId. Required, unless there are `apps`. */
  appId?: string | undefined
  /** Its appSecret. Required with it. */
  appSecret?: string | undefined
  /** Several mini programs, instead of one: the appSecret of each, by its appId. Their sessions never cross. */
  apps?: Record<string, string | undefined>
  /**
   * Of `apps`: which mini program a request is of. Default: the header `Weapp-AppId` (or `X-WX-AppId`), which the client
   * sends when it is told its `appId`; else the appId in the `Referer` that WeChat sets, which WeChat's gateway may change.
   * A wrong one lets nobody in. In `identify()` the context has no more than `req`, `headers`, `get()`, `method`, `url`,
   * `path`, `query` and `search`.
   */
  appIdOf?: (ctx: Context) => string | undefined | Promise<string | undefined>
  /** Where sessions live. Default `memoryStore()`. */
  store?: SessionStore
  /** How a session travels after login. Default `codeCarrier()`. */
  carrier?: Carrier
  /** Who else may say who a user is: `cloudRun()`, in 云托管. Default: nobody. */
  trust?: Trust
  /** Seconds that a session lives. Default 7200. */
  ttl?: number
  /** Whether each use makes a session live for another `ttl`. Default false. */
  rolling?: boolean
  /** Seconds that a renewed session can live at most, from its login. Default 30 days. */
  maxAge?: number
  /** How many sessions a user can have; those that would end first make room. Default 10. */
  maxSessionsPerUser?: number
  /** Requests that pass untouched, with `ctx.$wxUserInfo` null. Default: none. */
  ignore?: (ctx: Context) => boolean | Promise<boolean>
  /**
   * Called once for each session, before it is stored: what it puts into `session.data` is there from the
   * session's first request on, and when it throws there is no session. `ctx.$wxUserInfo` is set. Other
   * requests with the same code wait for it. To revoke the user here would revoke this login too. A login that
   * takes longer than `wechat.timeout` and one second is given up by other processes that wait for it; where a guest logs
   * in, the guest's next request takes their session back after ten seconds. Then the login is refused.
   */
  onLogin?: (session: WxSession, ctx: Context) => unknown
  /** How WeChat is reached. */
  wechat?: {
    /** Default `https://api.weixin.qq.com`. */
    baseUrl?: string | undefined
    /** ms for one call of WeChat, the body of its answer included. Default 3000. */
    timeout?: number
    /**
     * Calls of WeChat at the same time, in this process, for each mini program. Logins may have all of it; as many
     * again wait for their turn, and what is more than that is refused (502). Phone numbers and `isKeyAlive()` have
     * half of it at most, and each user three at a time; as many again wait, and what is more is a `WechatApiError`,
     * ERR_WECHAT_RATE_LIMITED, whose code was not sent. Default 100.
     */
    concurrency?: number
    /** Another way to reach WeChat: a proxy's, say, or the simulator's. Default: straight, over kept connections. */
    fetch?: typeof fetch
  }
  /**
   * A path, such as `/login`, on which a POST logs in with a JSON body: `{ code, rawData?, signature?,
   * encryptedData?, iv? }`, for what is too long for headers, and for clients that read no headers. Takes
   * `application/json` alone. Answers `{ login: 'accepted', user, expiresAt }`, and the credential as `session` or
   * `token`. Default: none.
   */
  loginPath?: string
  /**
   * Of `loginPath` with `cookieCarrier()`: web pages of other hosts that may log their visitors in, such as
   * `['https://www.example.com']`. Default: none but the host that was asked, as `ctx.host` says (behind a proxy: the
   * `Host` that it passes on, or `X-Forwarded-Host` with `app.proxy`).
   */
  loginOrigins?: string[]
  /**
   * The prefix of the header names that this server understands beside the `X-WX-…` of 2016: letters, digits and hyphens,
   * and a hyphen at the end. The client needs the same. Not `X-WX-`, which WeChat's gateway drops. Default `Weapp-`.
   */
  headers?: string
  /** Answers every refusal with status 200, for gateways that swallow other statuses. Default false. */
  legacyStatus?: boolean
}

/** The options, checked and with all defaults. */
export interface ResolvedOptions {
  apps: Record<string, string>
  appIdOf: (ctx: Context) => string | undefined | Promise<string | undefined>
  store: SessionStore
  carrier: SessionCarrier
  trust: TrustedSource | undefined
  ttl: number
  rolling: boolean
  maxAge: number
  maxSessionsPerUser: number
  ignore: ((ctx: Context) => boolean | Promise<boolean>) | undefined
  headers: string
  onLogin: ((session: WxSession, ctx: Context) => unknown) | undefined
  wechat: { baseUrl: string; timeout: number; concurrency: number; fetch: typeof fetch | undefined }
  loginPath: string | undefined
  /** Of `loginOrigins`. */
  checkLoginOrigin: (ctx: Context) => void
  legacyStatus: boolean
}

const HOUR = 3600
const DAY = 24 * HOUR

/** Seconds. Beyond ten years a lifetime is a mistake (milliseconds for seconds, most often). */
const LIFETIME_MAX = 3650 * DAY

const NAMES = [
  'appId',
  'appSecret',
  'apps',
  'appIdOf',
  'store',
  'carrier',
  'trust',
  'ttl',
  'rolling',
  'maxAge',
  'maxSessionsPerUser',
  'ignore',
  'onLogin',
  'wechat',
  'loginPath',
  'loginOrigins',
  'headers',
  'legacyStatus',
] as const satisfies (keyof WeappSessionOptions)[]

/** Checks the options and fills in defaults, once, at start-up. @throws {TypeError} that names the option and what it should be */
export function resolveOptions(options: WeappSessionOptions): ResolvedOptions {
  checkOptions('weappSession', options, NAMES)
  const {
    store,
    carrier = codeCarrier(),
    trust,
    ttl = 2 * HOUR,
    rolling = false,
    maxAge = Math.max(30 * DAY, ttl),
    maxSessionsPerUser = 10,
    ignore,
    onLogin,
    wechat = {},
    loginPath,
    loginOrigins = [],
    headers = PREFIX,
    legacyStatus = false,
  } = options
  const { appIdOf = appIdReader(headers) } = options
  checkOptions('weappSession({ wechat })', wechat, ['baseUrl', 'timeout', 'concurrency', 'fetch'])
  const { baseUrl = 'https://api.weixin.qq.com', timeout = 3000, concurrency = 100 } = wechat
  const { fetch } = wechat

  const apps = checkedApps(options)
  if (!isWhole(ttl, LIFETIME_MAX)) {
    throw optionError(`ttl must be whole seconds, from 1 up to ten years, such as 7200: it is ${shown(ttl)}`)
  }
  if (!isWhole(maxAge, LIFETIME_MAX) || maxAge < ttl) {
    throw optionError(
      `maxAge must be whole seconds, from ttl (${ttl}) up to ten years: it is ${shown(maxAge)}`,
    )
  }
  if (!isWhole(maxSessionsPerUser, 1000))
    throw optionError('maxSessionsPerUser must be a whole number from 1 to 1000')
  if (!isWhole(timeout, 60_000)) throw optionError('wechat.timeout must be whole ms, from 1 to 60000')
  if (!isWhole(concurrency, 10_000))
    throw optionError('wechat.concurrency must be a whole number from 1 to 10000')
  if (!isBaseUrl(baseUrl)) throw optionError('wechat.baseUrl must be an http(s) URL without a query')
  if (loginPath !== undefined && !(isText(loginPath) && loginPath.startsWith('/'))) {
    throw optionError("loginPath must be a path that begins with '/'")
  }
  checkAll('function', {
    appIdOf,
    ...(ignore !== undefined && { ignore }),
    ...(fetch !== undefined && { 'wechat.fetch': fetch }),
    ...(onLogin && { onLogin }),
  })
  checkAll('boolean', { rolling, legacyStatus })
  if (typeof headers !== 'string' || !/^[a-z\d-]*-$/i.test(headers) || /^x-wx-/i.test(headers))
    throw optionError(
      "headers must be the prefix of header names, such as 'Weapp-' (letters, digits and hyphens, a hyphen at the end), " +
        "and not begin with 'X-WX-', which WeChat's gateway drops",
    )
  if (store !== undefined) checkStore(store)
  if (!isSessionCarrier(carrier))
    throw optionError(
      'carrier must be made by codeCarrier(), headerCarrier(), cookieCarrier() or jwtCarrier()',
    )

  if (trust !== undefined && !isTrustedSource(trust)) throw optionError('trust must be made by cloudRun()')

  return {
    apps,
    appIdOf,
    store: store ?? memoryStore(),
    carrier,
    trust,
    ttl,
    rolling,
    maxAge,
    maxSessionsPerUser,
    ignore,
    onLogin,
    wechat: { baseUrl: new URL(baseUrl).href.replace(/\/+$/, ''), timeout, concurrency, fetch },
    loginPath,
    headers,
    checkLoginOrigin: loginOriginCheck(loginOrigins),
    legacyStatus,
  }
}

function isSessionCarrier(carrier: Carrier): carrier is SessionCarrier {
  return typeof (carrier as Partial<SessionCarrier> | null)?.read === 'function'
}

function isTrustedSource(trust: Trust): trust is TrustedSource {
  return typeof (trust as Partial<TrustedSource> | null)?.read === 'function'
}

/** Where both come from in most programs, and why they are missing. */
const FROM_ENV = '; if it comes from an environment variable, that one is not set'

function checkedApps({ appId, appSecret, apps }: WeappSessionOptions): Record<string, string> {
  if (apps === undefined) {
    if (!isText(appId))
      throw optionError(
        `appId is missing: copy it from the mini program console (it begins with wx)${FROM_ENV}`,
      )
    if (!isText(appSecret))
      throw optionError(`appSecret is missing: copy it from the mini program console${FROM_ENV}`)
    return { [appId]: appSecret }
  }
  if (appId !== undefined || appSecret !== undefined)
    throw optionError('give either appId and appSecret, or apps')
  const entries: [string, unknown][] = typeof apps === 'object' && apps ? Object.entries(apps) : []
  if (entries.length === 0 || !entries.every((entry) => entry.every(isText))) {
    throw optionError('apps must have the appSecret of each mini program, by its appId')
  }
  return Object.fromEntries(entries) as Record<string, string>
}

/** WeChat sets `https://servicewechat.com/{appId}/{version}/page-frame.html`. No program can change it, but its gateway may. */
const REFERER = /^https:\/\/servicewechat\.com\/([^/]+)\//

function appIdReader(prefix: string): (ctx: Context) => string | undefined {
  // 云托管 sets X-WX-AppId itself, so the other one counts.
  const [own, of2016] = [prefix, PREFIX_2016].map((each) => headerNames(each).appId) as [string, string]
  return (ctx) => ctx.get(own) || ctx.get(of2016) || REFERER.exec(ctx.get('Referer'))?.[1]
}

function checkAll(type: 'function' | 'boolean', values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== type)
      throw optionError(`${name} must be ${type === 'boolean' ? 'true or false' : 'a function'}`)
  }
}

const STORE_METHODS = [
  'read',
  'claim',
  'refuse',
  'create',
  'update',
  'renew',
  'take',
  'confirm',
  'putBack',
  'end',
  'list',
  'revoke',
] as const

function checkStore(store: SessionStore): void {
  if (typeof (store as { sendCommand?: unknown })?.sendCommand === 'function')
    throw optionError('store is a client of Redis: put it into a store, redisStore({ client })')
  const missing = STORE_METHODS.filter((method) => typeof store?.[method] !== 'function')
  if (missing.length > 0)
    throw optionError(
      `store lacks ${missing.join(', ')}: add what is missing (see docs/stores.md), or use memoryStore(), ` +
        'redisStore(), or fromExpressStore() around a store of express-session',
    )
  const { timeout = 0 } = store
  if (!Number.isFinite(timeout) || timeout < 0) throw optionError('store.timeout must be a number of ms')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}

/** Numbers as they are; of anything else, which may be a secret in the wrong place, only what it is. */
function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : `a ${typeof value}`
}

function isWhole(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max
}

function isBaseUrl(value: string): boolean {
  const { protocol, search, hash } = URL.canParse(value)
    ? new URL(value)
    : { protocol: '', search: '', hash: '' }
  return (protocol === 'https:' || protocol === 'http:') && search === '' && hash === ''
}
