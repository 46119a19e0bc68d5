import type { Clock } from '../clock.js'
import type { ComponentPush, ComponentPushOptions } from './component-push.js'
import { randomAccessToken, randomAppId, randomAppSecret, randomTicket } from './ids.js'

/** An access_token, of the platform or for an authorised mini program, lives two hours. */
const TOKEN_LIFE = 7200_000

/** An authorization_code lives ten minutes in the page's example. */
const CODE_LIFE = 10 * 60_000

/** Who a third-party platform is. */
export interface ComponentOptions {
  /** Its AppID. Default: a random one. */
  appId?: string
  /** Its AppSecret. Default: random. */
  appSecret?: string
}

/** A third-party platform (第三方平台) to which the mini program may be given. */
export interface Component {
  readonly appId: string
  readonly appSecret: string
  /** What WeChat pushes to the platform every ten minutes (component_verify_ticket): `api_component_token` wants it. */
  readonly verifyTicket: string
  /**
   * The owner of the mini program authorises the platform. Returns the authorization_code that WeChat hands to its page.
   * Before, the platform's exchanges are refused with 61003.
   */
  authorize(): string
  /** They withdraw it. */
  unauthorize(): void
  /**
   * The same, and more, with the messages that WeChat sends to the platform.
   *
   * @throws {TypeError} when `encodingAesKey` is none.
   *
   * @example
   * const push = wechat.component.push({ url: `${baseUrl}/wechat/platform`, token: 'AAAAA', encodingAesKey })
   * await push.ticket()
   * await push.authorize()
   */
  push(options: ComponentPushOptions): ComponentPush
}

/** What the servers know of it. */
export interface ComponentState extends Omit<Component, 'push'> {
  isAuthorized(): boolean
  /** A component_access_token. */
  issueToken(): string
  /** What is wrong with a component_access_token, as an errcode; 0 when nothing is. */
  checkToken(token: string | null): 0 | 40001 | 41001 | 42001
  /** Uses an authorization_code up. */
  redeem(authorizationCode: string): boolean
  /** What refreshes authorizer_access_tokens: the same until it is authorised anew. */
  refreshToken(): string
}

export function createComponent(
  { appId = randomAppId(), appSecret = randomAppSecret() }: ComponentOptions,
  { clock, keep }: { clock: Clock; keep: (secret: string) => void },
): ComponentState {
  const tokens = new Map<string, number>()
  const codes = new Map<string, number>()
  const verifyTicket = randomTicket('ticket@@@')
  let refreshToken = ''
  let isAuthorized = false
  for (const secret of [appSecret, verifyTicket]) keep(secret)

  return {
    ...{ appId, appSecret, verifyTicket },

    authorize() {
      isAuthorized = true
      refreshToken = secret('refreshtoken@@@')
      const code = secret('queryauthcode@@@')
      codes.set(code, clock.now() + CODE_LIFE)
      return code
    },

    unauthorize() {
      isAuthorized = false
      refreshToken = ''
    },

    isAuthorized: () => isAuthorized,
    refreshToken: () => refreshToken,

    issueToken() {
      const token = randomAccessToken()
      keep(token)
      tokens.set(token, clock.now() + TOKEN_LIFE)
      return token
    },

    checkToken(token) {
      if (token === null || token === '') return 41001
      const expiresAt = tokens.get(token)
      if (expiresAt === undefined) return 40001
      return clock.now() < expiresAt ? 0 : 42001
    },

    redeem(code) {
      const expiresAt = codes.get(code) ?? 0
      codes.delete(code)
      return clock.now() < expiresAt
    },
  }

  function secret(prefix: string): string {
    const made = randomTicket(prefix)
    keep(made)
    return made
  }
}
