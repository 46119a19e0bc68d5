import type { Clock } from '../clock.js'
import type { Accounts, User } from '../servers/accounts.js'
import type { Codes } from '../servers/codes.js'
import type { Platform } from '../servers/endpoints.js'
import { TOURIST_CODE } from '../servers/tourist.js'
import { ANONYMOUS_PROFILE, rawDataOf, signUserInfo } from '../user-info.js'
import type { App } from './app.js'
import { failure, type Outcome } from './callbacks.js'
import type { Network } from './network.js'
import type { GetUserInfoResult, LoginResult, Wx, WxQy } from './wx.js'

/** What the user of a phone lets the mini program know. */
export type UserInfoMode = 'anonymous' | 'named' | 'denied'

/** What `wx.login()` and the calls about the user look at. */
export interface LoginSituation {
  platform: Platform
  app: App
  appId: string
  user: User
  accounts: Accounts
  loginCodes: Codes
  anonymousCodes: Codes
  /** The users of 企业微信, and its codes. */
  wecom: { accounts: Accounts; codes: Codes }
  network: Network
  clock: Clock
  userInfo(): UserInfoMode
  isTourist(): boolean
  /** Of 抖音: somebody is logged in on the phone. */
  isLoggedIn(): boolean
}

export function loginApis(
  situation: LoginSituation,
): Pick<Wx, 'login' | 'checkSession' | 'getUserInfo' | 'getUserProfile' | 'qy'> {
  const { platform, app, appId, user, accounts, loginCodes, anonymousCodes, wecom, network, clock } =
    situation

  return {
    ...(platform === 'wecom' && { qy: wecomApis() }),

    login(options) {
      app.call<LoginResult>('login', options, (mishap) => {
        if (network.isOffline()) return network.disconnected('login')
        // WeChat promises a code; an app that is given none has to live with it.
        if (mishap === 'withoutCode') return { success: {} as LoginResult }
        if (situation.isTourist()) return { success: { code: TOURIST_CODE } }
        if (platform === 'douyin') return { success: douyinCodes(options?.force ?? true) }
        accounts.renewSessionKey(user)
        return { success: { code: loginCodes.issue(user) } }
      })
    },

    checkSession(options) {
      return app.callOrPromise('checkSession', options, () => {
        if (network.isOffline()) return network.disconnected('checkSession')
        const isValid = accounts.validSessionKey(user) !== undefined
        return isValid ? { success: {} } : failure('checkSession', 'session time out, need relogin')
      })
    },

    getUserInfo(options) {
      app.call<GetUserInfoResult>('getUserInfo', options, () => {
        const { openId, unionId } = user
        if (options?.withCredentials !== false) return signed('getUserInfo', { openId, unionId })
        return deniedOr('getUserInfo', () => {
          const rawData = rawDataOf(profile())
          return { userInfo: { ...profile() }, rawData } as GetUserInfoResult
        })
      })
    },

    // Its encrypted data names nobody: developers.weixin.qq.com/community/develop/doc/000cacfa20ce88df04cb468bc52801
    getUserProfile(options) {
      app.call<GetUserInfoResult>('getUserProfile', options, () => {
        if (!options?.desc) return failure('getUserProfile', 'parameter error: parameter.desc is required')
        return signed('getUserProfile', {})
      })
    },
  }

  /** Who is not logged in does so, unless the app says `force: false`. */
  function douyinCodes(isForced: boolean): Omit<LoginResult, 'errMsg'> {
    const anonymousCode = anonymousCodes.issue(user)
    if (!isForced && !situation.isLoggedIn()) return { code: '', anonymousCode, isLogin: false }
    accounts.renewSessionKey(user)
    return { code: loginCodes.issue(user), anonymousCode, isLogin: true }
  }

  function wecomApis(): WxQy {
    const member = wecom.accounts.user(user.name)
    return {
      login(options) {
        app.call<LoginResult>('qy.login', options, (mishap) => {
          if (network.isOffline()) return network.disconnected('qy.login')
          if (mishap === 'withoutCode') return { success: {} as LoginResult }
          wecom.accounts.renewSessionKey(member)
          return { success: { code: wecom.codes.issue(member) } }
        })
      },
      checkSession(options) {
        return app.callOrPromise('qy.checkSession', options, () => {
          const isValid = wecom.accounts.validSessionKey(member) !== undefined
          return isValid ? { success: {} } : failure('qy.checkSession', 'session time out, need relogin')
        })
      },
    }
  }

  /** Signs with the user's latest session_key, whichever phone or code it came from. */
  function signed(
    api: 'getUserInfo' | 'getUserProfile',
    identity: { openId?: string; unionId?: string | undefined },
  ): Outcome<GetUserInfoResult> {
    const sessionKey = user.sessionKey?.text
    if (sessionKey === undefined) return failure(api, 'the user has never logged in')
    return deniedOr(api, () =>
      signUserInfo({ profile: profile(), identity, appId, sessionKey, now: clock.now() }),
    )
  }

  function deniedOr(api: string, allow: () => Omit<GetUserInfoResult, 'errMsg'>): Outcome<GetUserInfoResult> {
    if (situation.userInfo() === 'denied') return failure(api, 'auth deny')
    return network.isOffline() ? network.disconnected(api) : { success: allow() }
  }

  function profile() {
    return situation.userInfo() === 'named' ? user.profile : ANONYMOUS_PROFILE
  }
}
