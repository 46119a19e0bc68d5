import { type Clock, createClock } from './clock.js'
import { type CloudRun, type CloudRunOptions, createEnvironments } from './cloud/environments.js'
import type { GatewaySetting } from './phone/gateway.js'
import { createPhone, identityOf, type Phone, type PhoneOptions, type UserIdentity } from './phone/phone.js'
import { type Accounts, createAccounts, type Risk } from './servers/accounts.js'
import type { ApiRequest, Reply } from './servers/answer.js'
import { type ApiCall, createApi, isExchange } from './servers/api.js'
import { type Codes, createCodes } from './servers/codes.js'
import { type Component, type ComponentOptions, createComponent } from './servers/component.js'
import { createComponentPush } from './servers/component-push.js'
import { createEncryptKeys } from './servers/encrypt-keys.js'
import { type EndpointInfo, parse } from './servers/endpoint.js'
import { createEndpoints, dialectOf, type Platform } from './servers/endpoints.js'
import { createFaults, type Fault, type FaultOptions, type Faults } from './servers/faults.js'
import { createFetch } from './servers/fetch.js'
import { type ApiServer, createApiServer } from './servers/http-server.js'
import { randomAppSecret, randomCorpId } from './servers/ids.js'
import { createPayments } from './servers/payments.js'
import { createPhoneMessages } from './servers/phone-messages.js'
import { openIdOn, randomAppIdOf } from './servers/platform.js'
import { createPush, type MessagePush, type MessagePushOptions } from './servers/push.js'
import { createQuotas } from './servers/quotas.js'
import { createTokens, type Tokens } from './servers/tokens.js'
import { withTourist } from './servers/tourist.js'
import type { UserProfile } from './user-info.js'

/** How a WeChat is set up. */
export interface WechatOptions {
  /**
   * Whose mini program it is: that of WeChat (default), of QQ (`qq`) or of 抖音 (`douyin`), with their paths, answers and ids;
   * or one of WeChat that runs in 企业微信 too (`wecom`): its paths are there beside WeChat's, and phones have `wx.qy`.
   */
  platform?: Platform
  /** The mini program's AppID. Default: a random one, never anybody's. */
  appId?: string
  /** Its AppSecret. Default: random. */
  appSecret?: string
  /**
   * Whether the mini program is bound to an Open Platform account, so that answers have a unionid. The same
   * name has the same unionid in every simulator, as with the mini programs of one account. Default false.
   */
  unionIds?: boolean
  /**
   * Milliseconds that a session_key stays, however many codes the user obtains. WeChat has such a period
   * and does not say how long it is. Default 0: every `wx.login()` makes a new key, which finds the most mistakes.
   */
  sessionKeyMinAge?: number
  /**
   * Milliseconds that a session_key lives. WeChat does not say; its staff once said three days, which is the default:
   * developers.weixin.qq.com/community/develop/doc/000ce87adbcdf0e9d507be5d156c00
   */
  sessionKeyMaxAge?: number
  /** The id of the enterprise in 企业微信. Default: a random one. */
  corpId?: string
  /** The secret of the enterprise's app that the mini program is linked with. Default: random. */
  corpSecret?: string
  /** The third-party platform (第三方平台) that may be authorised. Default: random ids. */
  component?: ComponentOptions
  /** Words that make a text risky to `msg_sec_check`. Default: the example of its page. */
  badWords?: readonly string[]
  /** What `phone.gateway` of every phone begins with. Default `off`. */
  gateway?: GatewaySetting
  /**
   * Whether the limits of {@link Wechat.endpoints} are kept: so many calls of an endpoint in a minute and a day (45011,
   * 45009), forced refreshes of a stable access_token half a minute apart, and counts that are cleared ten times a month
   * (48006). Default false: tests call more often than an app may. That a user logs in a hundred times a minute at most
   * (45011) holds in any case.
   */
  strict?: boolean
  /**
   * Whether the literal code that WeChat's developer tools give without an AppID (游客模式, `the code is a mock one`) is let
   * in: as the user `tourist`, as often as it comes. Default false: 40029, as at WeChat.
   */
  tourist?: boolean
  /** Default: a clock of its own. Share one to move several simulators together. */
  clock?: Clock
}

/** The user of a phone: their name, which is who they are, and what to change about them. */
export interface PhoneUser extends Partial<UserProfile> {
  /** Default: a new user, whom no other phone has. */
  name?: string
  phoneNumber?: string
  /** What `getuserriskrank` says of them. Default 0, harmless. */
  risk?: Risk
}

/** A small WeChat: its servers, and the phones that know it. */
export interface Wechat {
  readonly appId: string
  readonly appSecret: string
  readonly clock: Clock
  readonly platform: Platform
  /** The enterprise in 企业微信, for `platform: 'wecom'`. */
  readonly wecom: { readonly corpId: string; readonly corpSecret: string }
  /** A third-party platform that can exchange codes for the mini program, once it is authorised. */
  readonly component: Component
  /** Every endpoint that is simulated, and from which source. */
  readonly endpoints: readonly EndpointInfo[]
  /** Answers as api.weixin.qq.com would, whatever the host, without a socket. Fails as Node's `fetch` does. */
  readonly fetch: typeof fetch
  /** The same over real HTTP on 127.0.0.1. Port 0 (default) is any free one. Resolves to the base URL. */
  listen(port?: number): Promise<string>
  /**
   * Ends it all: connections are cut, calls that hang fail, the requests of phones fail, their sockets end
   * and their apps are killed, no timer is left. Again is fine.
   */
  close(): Promise<void>
  /**
   * Another phone. Two phones of one user are two devices: the same openid, each with its own storage.
   *
   * @example
   * const phone = wechat.phone('alice')
   * phone.wx.login({ success: ({ code }) => console.log(code) })
   */
  phone(user?: string | PhoneUser, options?: PhoneOptions): Phone
  /**
   * An environment of 微信云托管, whose services the app's phones call by `wx.cloud.callContainer()`: WeChat says who the
   * user is, and there is no login.
   *
   * @example
   * const cloud = wechat.cloudRun({ env: 'prod-0', services: { api: 'http://127.0.0.1:3000' } })
   * const { wx } = wechat.phone('alice')
   * wx.cloud.init({ env: cloud.env })
   * await wx.cloud.callContainer({ path: '/me', header: { 'X-WX-SERVICE': 'api' } })
   *
   * // Another mini program that uses the same environment (资源复用):
   * game.cloudRun(cloud)
   * const { Cloud } = game.phone('alice').wx.cloud
   * const shared = new Cloud({ resourceAppid: cloud.resourceAppid, resourceEnv: cloud.env })
   * await shared.init()
   * await shared.callContainer({ path: '/me', header: { 'X-WX-SERVICE': 'api' } })
   */
  cloudRun(options: CloudRunOptions): CloudRun
  /** Who the user of that name is to your server. */
  user(name: string): UserIdentity
  /**
   * Messages and events that WeChat sends to your server (消息推送), signed, and encrypted when it is asked for.
   *
   * @throws {TypeError} when messages are to be encrypted and `encodingAesKey` is none.
   *
   * @example
   * const push = wechat.push({ url: `${baseUrl}/wechat/events`, token: 'AAAAA' })
   * await push.verify()
   * await push.revoke('alice', ['8'])
   */
  push(options: MessagePushOptions): MessagePush
  /**
   * The next calls of WeChat's API go wrong: see {@link Fault}. Faults happen in the order they were asked
   * for. Returns a function that withdraws what is left of this one.
   *
   * @example
   * wechat.fail({ errcode: -1 }, { times: 2 })
   * wechat.fail('lost', { path: '/sns/jscode2session' })
   */
  fail(fault: Fault, options?: FaultOptions): () => void
  /** Every call of WeChat's API, in the order they arrived. */
  readonly calls: readonly ApiCall[]
  /** How many calls of code2Session arrived. */
  readonly exchanges: number
  /**
   * The AppSecret and every code, session_key and access_token issued so far: so that a test can search
   * output, logs and stores for them.
   */
  secrets(): string[]
}

/** The example of a risky text: api_msgseccheck. */
const BAD_WORDS = ['特3456书yuuo莞6543李zxcz蒜7782法fgnv级', '完2347全dfji试3726测asad感3847知qwez到']

const THREE_DAYS = 3 * 24 * 60 * 60_000

/** developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken.html */
const FORCED_REFRESHES_APART = 30_000

/**
 * A small WeChat for development and tests: servers that speak `sns/jscode2session` and its neighbours,
 * and phones whose `wx` works against real HTTP servers. Simulators share nothing with each other.
 *
 * @throws {TypeError} when `NODE_ENV` is `production`: whoever asks it is whoever they say they are.
 *
 * @example
 * const wechat = createWechat()
 * const { appId, appSecret, fetch } = wechat
 * const app = new Koa().use(weappSession({ appId, appSecret, wechat: { fetch } }))
 * // …
 * wechat.phone('alice').wx.request({ url: `${baseUrl}/me`, success: ({ data }) => console.log(data) })
 * await wechat.close()
 */
export function createWechat(options: WechatOptions = {}): Wechat {
  return createWechatParts(options).wechat
}

/** A WeChat, and the parts of it that its control API shows and changes. */
export interface WechatParts {
  readonly wechat: Wechat
  readonly accounts: Accounts
  readonly loginCodes: Codes
  readonly phoneCodes: Codes
  readonly pluginCodes: Codes
  readonly tokens: Tokens
  readonly faults: Faults
  readonly server: ApiServer
  /** Forgets the user of that name: their codes are worth nothing, and their openid is nobody's. */
  forget(name: string): void
  /** Calls `listener` after each call of WeChat's API, when its effects are there and its answer is not sent yet. */
  observe(listener: (request: ApiRequest, reply: Reply) => void): void
}

/** What {@link createWechat} makes, with its parts. */
export function createWechatParts(options: WechatOptions = {}): WechatParts {
  if (process.env.NODE_ENV === 'production') {
    throw new TypeError(
      'weapp-simulator: the simulated WeChat lets anybody log in as anybody; it does not run with NODE_ENV=production',
    )
  }
  const {
    platform = 'wechat',
    appId = randomAppIdOf(platform),
    appSecret = randomAppSecret(),
    unionIds = false,
    sessionKeyMinAge = 0,
    sessionKeyMaxAge = THREE_DAYS,
    corpId = randomCorpId(),
    corpSecret = randomAppSecret(),
    badWords = BAD_WORDS,
    gateway = 'off',
    strict = false,
    tourist = false,
    clock = createClock(),
  } = options

  const secrets = new Set([appSecret, corpSecret])
  const keep = (secret: string) => void secrets.add(secret)
  const ages = { sessionKeyMinAge, sessionKeyMaxAge }
  const closing = new AbortController()
  const accountsOf = () => {
    return createAccounts({ openIdOf: openIdOn(platform, appId), unionIds, ages, clock, keep })
  }
  const codes = () => createCodes({ clock, keep })
  const accounts = accountsOf()
  const loginCodes = tourist ? withTourist(codes(), accounts) : codes()
  const phoneCodes = codes()
  const pluginCodes = codes()
  const anonymousCodes = codes()
  const tokens = createTokens({ clock, keep, forceInterval: strict ? FORCED_REFRESHES_APART : 0 })
  const encryptKeys = createEncryptKeys({ clock, keep })
  const phoneMessages = createPhoneMessages({ appId, clock })
  const payments = createPayments(clock)
  const quotas = createQuotas({ clock, strict })
  const component = createComponent(options.component ?? {}, { clock, keep })
  const wecom = {
    ...{ corpId, corpSecret },
    accounts: accountsOf(),
    codes: codes(),
    tokens: createTokens({ clock, keep }),
  }
  const allCodes = [loginCodes, phoneCodes, pluginCodes, anonymousCodes, wecom.codes]
  const endpoints = createEndpoints(platform, {
    wechat: {
      ...{ appId, appSecret, clock, strict, accounts, loginCodes, phoneCodes, pluginCodes, tokens },
      ...{ encryptKeys, phoneMessages, payments, quotas, component, badWords },
    },
    wecom,
    anonymousCodes,
  })
  const environments = createEnvironments(appId)
  const faults = createFaults()
  const dialect = dialectOf(platform, clock)
  const api = createApi({ endpoints, dialect, faults, quotas, clock, isOurs })
  const listeners: ((request: ApiRequest, reply: Reply) => void)[] = []
  const apiFetch = createFetch(reply, clock)
  const server = createApiServer(reply, clock)
  const platformIds = {
    appId: component.appId,
    appSecret: component.appSecret,
    verifyTicket: component.verifyTicket,
  }
  const closePhones: (() => Promise<void>)[] = []

  const wechat: Wechat = {
    appId,
    appSecret,
    clock,
    platform,
    wecom: { corpId, corpSecret },
    component: {
      ...platformIds,
      authorize: component.authorize,
      unauthorize: component.unauthorize,
      push: (options) => createComponentPush({ component, appId, clock, signal: closing.signal }, options),
    },
    endpoints: endpoints.map(({ handle: _, ...info }) => info),
    fetch: apiFetch.fetch,
    fail: faults.add,
    cloudRun: environments.add,
    calls: api.calls,

    get exchanges() {
      return api.calls.filter(({ path }) => isExchange(path)).length
    },

    listen: (port = 0) => server.listen(port),

    async close() {
      apiFetch.close()
      closing.abort()
      environments.close()
      await Promise.all([server.close(), ...closePhones.map((close) => close())])
    },

    phone(whose = {}, phoneOptions) {
      const { name, phoneNumber, risk, ...profile } = typeof whose === 'string' ? { name: whose } : whose
      const user = name === undefined ? accounts.newUser() : accounts.user(name)
      user.profile = { ...user.profile, ...profile }
      user.phoneNumber = phoneNumber ?? user.phoneNumber
      user.risk = risk ?? user.risk
      const situation = {
        ...{ platform, appId, user, accounts, loginCodes, phoneCodes, pluginCodes, anonymousCodes, wecom },
        ...{ encryptKeys, phoneMessages, payments, clock, gateway, environments },
      }
      const { phone, close } = createPhone(situation, phoneOptions)
      closePhones.push(close)
      return phone
    },

    user: (name) => identityOf(accounts.user(name)),

    push(options) {
      const openIdOf = (name: string) => accounts.user(name).openId
      return createPush({ appId, clock, openIdOf, end: endUser, signal: closing.signal }, options)
    },

    secrets: () => [...secrets],
  }
  const observe = (listener: (request: ApiRequest, reply: Reply) => void) => void listeners.push(listener)
  return { wechat, accounts, loginCodes, phoneCodes, pluginCodes, tokens, faults, server, forget, observe }

  function reply(request: ApiRequest): Reply {
    const answer = api.reply(request)
    for (const listener of listeners) listener(request, answer)
    return answer
  }

  /** Whether WeChat can tell that a call is this app's: by its AppID, or by a token that is good. */
  function isOurs({ query, body }: ApiRequest): boolean {
    const token = query.get('access_token')
    if (token !== null) return tokens.check(token) === 0
    return (query.get('appid') ?? parse(body).appid) === appId
  }

  function endUser(name: string): void {
    const user = accounts.user(name)
    accounts.end(user)
    for (const codes of [loginCodes, phoneCodes, pluginCodes]) codes.revoke(user)
  }

  function forget(name: string): void {
    for (const known of [accounts, wecom.accounts]) {
      const user = known.find(name)
      if (user === undefined) continue
      for (const codes of allCodes) codes.revoke(user)
      known.remove(name)
    }
  }
}
