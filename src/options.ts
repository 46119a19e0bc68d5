import type { Context } from 'koa'
import { appIdReader } from './app-id-reader.js'
import type { Carrier, SessionCarrier } from './carriers/carrier.js'
import type { Trust, TrustedSource } from './carriers/cloud-run.js'
import { codeCarrier } from './carriers/code.js'
import { loginOriginCheck } from './login/login-origins.js'
import {
  checkAll,
  checkedApps,
  checkedBaseUrl,
  checkHeaders,
  checkLimits,
  checkLives,
  checkMade,
  checkPath,
  checkStore,
} from './option-checks.js'
import { PREFIX } from './protocol.js'
import type { UserContext, WxSession } from './session/session.js'
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
  appIdOf?(ctx: Context): string | undefined | Promise<string | undefined>
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
  /**
   * How many sessions a user can have; those that would end first make room. Default 10, and up to ten times as many
   * while those beyond are less than a minute old: some clients log in for each of their parallel calls. A number that
   * you give is kept exactly.
   */
  maxSessionsPerUser?: number
  /** Requests that pass untouched, with `ctx.$wxUserInfo` null. Default: none. */
  ignore?(ctx: Context): boolean | Promise<boolean>
  /**
   * Called once for each session, before it is stored: what it puts into `session.data` is there from the
   * session's first request on, and when it throws there is no session. `ctx.$wxUserInfo` and `ctx.$wxSession` are set. Other
   * requests with the same code wait for it. To revoke the user here would revoke this login too. A login that
   * takes longer than `wechat.timeout` and one second is given up by other processes that wait for it; where a guest logs
   * in, the guest's next request takes their session back after ten seconds. Then the login is refused.
   */
  onLogin?(session: WxSession, ctx: UserContext): unknown
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
   * A path, such as `/logout`, on which a POST ends the session whose credential it carries. Answers `{ logout: 'done' }`, also
   * to whoever has none (any more). Default: none.
   */
  logoutPath?: string
  /**
   * Of `loginPath` and `logoutPath` with `cookieCarrier()`: web pages of other hosts that may log their visitors in and out, such as
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
  /** How many there may be while those beyond are young. */
  maxYoungSessions: number
  ignore: ((ctx: Context) => boolean | Promise<boolean>) | undefined
  headers: string
  onLogin: ((session: WxSession, ctx: UserContext) => unknown) | undefined
  wechat: { baseUrl: string; timeout: number; concurrency: number; fetch: typeof fetch | undefined }
  loginPath: string | undefined
  logoutPath: string | undefined
  /** Of `loginOrigins`. */
  checkLoginOrigin: (ctx: Context) => void
  legacyStatus: boolean
}

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
  'logoutPath',
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
    ttl = 7200,
    rolling = false,
    maxAge = Math.max(30 * 24 * 3600, ttl),
    maxSessionsPerUser = 10,
    ignore,
    onLogin,
    wechat = {},
    loginPath,
    logoutPath,
    loginOrigins = [],
    headers = PREFIX,
    legacyStatus = false,
  } = options
  const { appIdOf = appIdReader(headers) } = options
  checkOptions('weappSession({ wechat })', wechat, ['baseUrl', 'timeout', 'concurrency', 'fetch'])
  const { baseUrl = 'https://api.weixin.qq.com', timeout = 3000, concurrency = 100, fetch } = wechat

  const apps = checkedApps(options)
  checkLives({ ttl, maxAge, isMaxAgeGiven: options.maxAge !== undefined })
  checkLimits({ maxSessionsPerUser, timeout, concurrency })
  checkPath('loginPath', loginPath)
  checkPath('logoutPath', logoutPath)
  if (loginPath !== undefined && loginPath === logoutPath)
    throw optionError('loginPath and logoutPath must be two paths')
  checkAll('function', {
    appIdOf,
    ...(ignore !== undefined && { ignore }),
    ...(fetch !== undefined && { 'wechat.fetch': fetch }),
    ...(onLogin && { onLogin }),
  })
  checkAll('boolean', { rolling, legacyStatus })
  checkHeaders(headers)
  if (store !== undefined) checkStore(store)
  const parts = checkMade(carrier, trust)

  return {
    apps,
    appIdOf,
    store: store ?? memoryStore(),
    ...parts,
    ttl,
    rolling,
    maxAge,
    maxSessionsPerUser,
    maxYoungSessions: options.maxSessionsPerUser ?? 10 * maxSessionsPerUser,
    ignore,
    onLogin,
    wechat: { baseUrl: checkedBaseUrl(baseUrl), timeout, concurrency, fetch },
    loginPath,
    logoutPath,
    headers,
    checkLoginOrigin: loginOriginCheck(loginOrigins),
    legacyStatus,
  }
}
