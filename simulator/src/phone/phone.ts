import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../clock.js'
import type { Environments } from '../cloud/environments.js'
import type { Accounts, User } from '../servers/accounts.js'
import type { Codes } from '../servers/codes.js'
import type { EncryptKeys } from '../servers/encrypt-keys.js'
import type { Platform } from '../servers/endpoints.js'
import type { Payments } from '../servers/payments.js'
import type { PhoneMessages } from '../servers/phone-messages.js'
import type { UserProfile } from '../user-info.js'
import {
  type ChosenAvatar,
  createButtons,
  type PhoneNumberDetail,
  type TapPhoneNumberOptions,
} from './buttons.js'
import { createConsent, type Privacy } from './consent.js'
import { BASE_LIBRARY, type PhoneSystem } from './device.js'
import type { GatewaySetting } from './gateway.js'
import { type AnyMishap, createMishaps, type MishapOf, type Mishaps, type WxApi } from './mishaps.js'
import { createNetwork } from './network.js'
import { type PrefetchStore, prefetch as sendPrefetch } from './prefetch.js'
import { type Run, startRun } from './run.js'
import type { EnvVersion, Wx } from './wx.js'
import type { UserInfoMode } from './wx-login.js'

/** Who a user is to your server: compare these with what it found out. */
export interface UserIdentity {
  readonly name: string
  readonly openId: string
  /** When the simulator was made with `unionIds`. */
  readonly unionId?: string
}

/** How a phone is set up. */
export interface PhoneOptions {
  /**
   * Origins that the app may speak to, such as `https://api.example.com` or, for sockets,
   * `wss://api.example.com`. Default: any, as with the check switched off.
   */
  domains?: readonly string[]
  /** Default `release`. */
  envVersion?: EnvVersion
  /**
   * The phone's address, which WeChat's gateway and 云托管 tell the server. Default 203.0.113.1, an address for
   * documentation (RFC 5737).
   */
  ip?: string
  /** Default `android`. It decides what `wx.getDeviceInfo()` says, and the texts of errors of the network. */
  system?: PhoneSystem
  /** What `wx.getAppBaseInfo().SDKVersion` says. Default: a version of 2025. */
  baseLibrary?: string
  /**
   * How names of response headers reach the app: as the server wrote them (default), or in lower case, as with HTTP/2.
   */
  headerNames?: 'asSent' | 'lowerCase'
  /** What the app, or its test, adds to `wx` or puts in the place of its members: it is there after each `coldStart()`, too. */
  members?: object
}

/** What WeChat's server sends to yours when it fetches data before the app starts (数据预拉取). */
export interface Prefetch {
  readonly appid: string
  readonly code: string
  /** Seconds since 1970. */
  readonly timestamp: number
  readonly path: string
  readonly query: string
  readonly scene: number
}

/** A phone with WeChat, on which your mini program runs. */
export interface Phone {
  readonly user: UserIdentity
  /** The `wx` of the running app: another object after each {@link Phone.coldStart}. */
  readonly wx: Wx
  /**
   * The app is killed and started again: what runs ends without a word, the storage stays, `phone.wx` is
   * new. The old `wx` belongs to the killed app: its calls do nothing and call nobody back.
   */
  coldStart(): void
  /**
   * Unfinished requests and sockets have 5 s left, new ones fail at once (errno 600003), until the app is in
   * front again.
   */
  enterBackground(): void
  enterForeground(): void
  /**
   * From Wi-Fi to mobile: every running request fails with errno 600001, wherever it got to, and every socket
   * reports an error and closes with 1006.
   */
  switchNetwork(): void
  /**
   * While true, everything that needs a network fails with errno 600001, what runs included. `wx.onNetworkStatusChange()`
   * hears of each change.
   */
  offline: boolean
  /** While true, `wx.login()` gives the literal code of WeChat's developer tools for a tourist appid. */
  tourist: boolean
  /**
   * Whose data `wx.getUserInfo()` gives. `anonymous` (default): 微信用户 with a grey avatar, as for everybody
   * since 2022. `named`: the user's profile, as before 2021. `denied`: it fails.
   */
  userInfo: UserInfoMode
  /**
   * Whether `wx.request()` goes through WeChat's gateway (微信网关). May be set at any time: it holds for the requests that
   * begin from then on. Uploads, downloads and sockets go past it: WeChat speaks of `wx.request` alone. Default: what
   * `createWechat()` says, else `off`.
   *
   * The server then gets no header whose name begins with `x-wx-`, except for `x-wx-client-ip`, which the gateway sets, as
   * it sets `x-forwarded-for` and `x-real-ip`. Names are in lower case, the `User-Agent` is `Mozilla/4.0`, the version in
   * the `Referer` is 0, and the query is encoded. A success has the errMsg `gateway.call: ok`; what the gateway refuses has
   * an `errCode` and no `errno`: see {@link Phone.fail}.
   *
   * Source: 接入网关后的请求差异. Guesses: a server that cannot be reached is -601069, a timeout in `manual` -601008; in
   * `auto` a timeout is that of `wx.request()`, since no time is left to repeat it.
   *
   * @example
   * phone.gateway = 'auto'
   * phone.gateway = { access: 'manual', responseHeaders: 'dropped' }
   */
  gateway: GatewaySetting
  /** Of 抖音: whether somebody is logged in on the phone. Default true. See `force` of `wx.login()`. */
  isLoggedIn: boolean
  /** How the user answers `wx.authorize()` and its like, by scope: yes unless `false` stands here. Each scope is asked once. */
  readonly permissions: Record<string, boolean>
  /** Whether the user has agreed to the privacy guidelines (隐私保护指引), or how they will answer. Default `agreed`. */
  privacy: Privacy
  /** How many phone numbers are left that WeChat is paid for. Default `Infinity`; at 0 the button gives errno 1400001. */
  phoneNumbersLeft: number
  /** The user's profile, on all their phones. What is assigned replaces these fields and leaves the others. */
  get profile(): UserProfile
  set profile(profile: Partial<UserProfile>)
  /** How often the app called each function of `wx`, over all its starts. */
  readonly counts: Readonly<Record<WxApi, number>>
  /** Files of the phone, for uploads and downloads. */
  readonly files: {
    write(path: string, content: string | Uint8Array): void
    read(path: string): Buffer | undefined
  }
  /**
   * The next `times` (default 1) calls of `wx[api]` go wrong; a login that fails makes no code. Returns a
   * function that withdraws what is left.
   *
   * @example
   * phone.fail('login', 'hang')
   * phone.fail('request', { errMsg: 'request:fail timeout', errno: 5 }, 2)
   * phone.fail('request', { errCode: 102020 }) // of the gateway: too many requests for the plan
   */
  fail<Api extends WxApi>(api: Api, mishap: MishapOf<Api>, times?: number): () => void
  /** The user taps the button that gives their number: the code for `getuserphonenumber`. */
  requestUserPhoneCode(): string
  /**
   * The same as the page sees it: `e.detail` of `bindgetphonenumber`, with the older `encryptedData` and `iv` beside the code
   * when the user has logged in.
   *
   * @example
   * const { code, encryptedData, iv } = phone.tapPhoneNumber()
   */
  tapPhoneNumber(options?: TapPhoneNumberOptions): PhoneNumberDetail
  /** The user chooses an avatar: `e.detail` of `bindchooseavatar`. The file is on the phone, and the app has to upload it. */
  chooseAvatar(picture?: Uint8Array): ChosenAvatar
  /** The user pays. Returns the transaction_id, by which `getpaidunionid` tells their unionid for five minutes. */
  pay(): string
  /** WeChat fetches data ahead: it obtains a code as a login does, and may renew the session_key. */
  prefetch(): Prefetch
  /**
   * The same, sent to your server: a GET with the token that the app has set, or else a code. The answer is there for
   * `wx.getBackgroundFetchData()`, if it is a success of 256 KB at most. Rejects when the server cannot be reached.
   */
  prefetchFrom(url: string): Promise<void>
}

/** What a phone needs to know of its WeChat. */
export interface PhoneSituation {
  platform: Platform
  appId: string
  user: User
  accounts: Accounts
  loginCodes: Codes
  phoneCodes: Codes
  pluginCodes: Codes
  anonymousCodes: Codes
  /** The users of 企业微信, and its codes. */
  wecom: { accounts: Accounts; codes: Codes }
  encryptKeys: EncryptKeys
  phoneMessages: PhoneMessages
  payments: Payments
  clock: Clock
  /** What the phone begins with. */
  gateway: GatewaySetting
  environments: Environments
}

const FIRST_PAGE = { path: 'pages/index/index', query: {}, scene: 1001 }

/** A phone, and how to put it away. */
export function createPhone(
  situation: PhoneSituation,
  options: PhoneOptions = {},
): { phone: Phone; close(): Promise<void> } {
  const { platform, appId, user, accounts, loginCodes, phoneCodes, clock, gateway, environments } = situation
  const { domains, envVersion = 'release', ip = '203.0.113.1', system = 'android' } = options
  const { baseLibrary = BASE_LIBRARY, headerNames = 'asSent', members = {} } = options
  const mishaps = createMishaps()
  const network = createNetwork(clock, { system, headerNames })
  const storage = new Map<string, string>()
  const files = new Map<string, Buffer>()
  const consent = createConsent()
  const prefetched: PrefetchStore = { token: undefined, data: undefined, listener: undefined }
  const buttons = createButtons({ ...situation, files, numbersLeft: () => phone.phoneNumbersLeft })
  let run = start()

  const phone: Phone = {
    user: identityOf(user),
    tourist: false,
    userInfo: 'anonymous',
    gateway,
    isLoggedIn: true,
    permissions: consent.answers,
    phoneNumbersLeft: Number.POSITIVE_INFINITY,
    counts: mishaps.counts,
    fail: mishaps.plan,
    switchNetwork: network.switchNetwork,

    get wx() {
      return run.wx
    },

    coldStart() {
      run.app.kill()
      network.clear()
      run = start()
    },

    enterBackground() {
      if (network.isInBackground()) return
      network.enterBackground()
      run.hide.emit(undefined)
    },

    enterForeground() {
      if (!network.isInBackground()) return
      network.enterForeground()
      run.show.emit(FIRST_PAGE)
    },

    get offline() {
      return network.isOffline()
    },
    set offline(value) {
      const isChanged = value !== network.isOffline()
      network.setOffline(value)
      if (isChanged) run.networkStatus.emit({ isConnected: !value, networkType: value ? 'none' : 'wifi' })
    },

    get privacy() {
      return consent.privacy
    },
    set privacy(value) {
      consent.privacy = value
    },

    get profile(): UserProfile {
      return { ...user.profile }
    },
    set profile(profile: Partial<UserProfile>) {
      user.profile = { ...user.profile, ...profile }
    },

    files: {
      write: (path, content) => void files.set(path, Buffer.from(content)),
      read: (path) => files.get(path),
    },

    requestUserPhoneCode: () => phoneCodes.issue(user),
    chooseAvatar: buttons.chooseAvatar,
    pay: () => situation.payments.pay(user),

    tapPhoneNumber(options) {
      const detail = buttons.tapPhoneNumber(options)
      if (detail.code !== undefined) phone.phoneNumbersLeft -= 1
      return detail
    },

    prefetch,

    async prefetchFrom(url) {
      // Who sends a token obtains no code, which would change the session_key.
      const { code } = prefetched.token === undefined ? prefetch() : { code: '' }
      await sendPrefetch(url, { ...prefetchFields(), code }, { store: prefetched, clock })
    },
  }

  return { phone, close }

  function prefetch(): Prefetch {
    accounts.renewSessionKey(user)
    return { ...prefetchFields(), code: loginCodes.issue(user) }
  }

  function prefetchFields() {
    const { path, scene } = FIRST_PAGE
    return { appid: appId, timestamp: Math.floor(clock.now() / 1000), path, query: '', scene }
  }

  function start(): Run {
    accounts.visit(user)
    return startRun({
      ...situation,
      ...{ network, storage, files, consent, prefetched, system, baseLibrary, members },
      mishaps: { ...mishaps, take: countVisit },
      sender: { platform, appId, envVersion, domains, ip },
      launch: FIRST_PAGE,
      isLoggedIn: () => phone.isLoggedIn,
      userInfo: () => phone.userInfo,
      isTourist: () => phone.tourist,
      gateway: () => phone.gateway,
      environment: environments.find,
    })
  }

  /** Whatever the app calls, its user is there. */
  function countVisit(...call: Parameters<Mishaps['take']>): AnyMishap | undefined {
    accounts.visit(user)
    return mishaps.take(...call)
  }

  /** Fails what runs, and kills the app when it has been told. */
  async function close(): Promise<void> {
    network.setOffline(true)
    await setImmediate()
    run.app.kill()
    network.clear()
  }
}

/** What the outside may know of a user. */
export function identityOf({ name, openId, unionId }: User): UserIdentity {
  return { name, openId, ...(unionId !== undefined && { unionId }) }
}
