import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.js'
import type { Accounts, User } from '../servers/accounts.js'
import type { Codes } from '../servers/codes.js'
import type { EncryptKeys } from '../servers/encrypt-keys.js'
import { encrypt } from '../user-info.js'
import type { App } from './app.js'
import { callBack, type Failure, failure } from './callbacks.js'
import type { Consent } from './consent.js'
import type { Network } from './network.js'
import type { Callbacks, Wx, WxSuccess } from './wx.js'
import type { LatestUserKey, ResolvePrivacy, WxUserApis } from './wx-user-apis.js'

/** Days that WeChat tells the steps of. */
const STEP_DAYS = 31
const DAY = 24 * 60 * 60

/** Privacy is not agreed to: developers.weixin.qq.com/miniprogram/dev/framework/user-privacy/PrivacyAuthorize.html */
const NOT_AGREED = 104

/** What the calls about the user look at. */
export interface UserSituation {
  app: App
  appId: string
  user: User
  accounts: Accounts
  pluginCodes: Codes
  encryptKeys: EncryptKeys
  consent: Consent
  network: Network
  clock: Clock
}

export function userApis(
  { app, appId, user, accounts, pluginCodes, encryptKeys, consent, network, clock }: UserSituation,
  getRandomValues: Wx['getRandomValues'],
): WxUserApis {
  let ownDialogue: ((resolve: ResolvePrivacy, event: { referrer: string }) => void) | undefined

  return {
    pluginLogin(options) {
      return app.callOrPromise('pluginLogin', options, () => {
        if (network.isOffline()) return network.disconnected('pluginLogin')
        return { success: { code: pluginCodes.issue(user) } }
      })
    },

    getUserCryptoManager: () => ({
      getLatestUserKey(options) {
        app.call<LatestUserKey>('getLatestUserKey', options, () => {
          if (network.isOffline()) return network.disconnected('getLatestUserKey')
          const { encryptKey, iv, version, expiresAt } = encryptKeys.latest(user)
          return { success: { encryptKey, iv, version, expireTime: Math.floor(expiresAt / 1000) } }
        })
      },
      getRandomValues: (options) => void getRandomValues(options),
    }),

    getSetting(options) {
      return app.callOrPromise('getSetting', options, () => ({
        success: { authSetting: { ...consent.given } },
      }))
    },

    authorize(options) {
      return app.callOrPromise('authorize', options, () => {
        const { scope } = options
        if (typeof scope !== 'string' || !scope.startsWith('scope.'))
          return failure('authorize', 'invalid scope')
        if (consent.privacy !== 'agreed') return notAgreed('authorize')
        return consent.ask(scope) ? { success: {} } : failure('authorize', 'auth deny')
      })
    },

    getWeRunData(options) {
      return app.callOrPromise('getWeRunData', options, () => {
        if (consent.privacy !== 'agreed') return notAgreed('getWeRunData')
        if (!consent.ask('scope.werun')) return failure('getWeRunData', 'auth deny')
        const sessionKey = accounts.validSessionKey(user)
        if (sessionKey === undefined) return failure('getWeRunData', 'the user has never logged in')
        const now = Math.floor(clock.now() / 1000)
        const stepInfoList = Array.from({ length: STEP_DAYS }, (_, day) => ({
          timestamp: now - (now % DAY) - (STEP_DAYS - 1 - day) * DAY,
          step: 1000 + day,
        }))
        const message = encrypt({ stepInfoList, watermark: { timestamp: now, appid: appId } }, sessionKey)
        return { success: { ...message, cloudID: randomBytes(30).toString('base64url') } }
      })
    },

    getPrivacySetting(options) {
      return app.callOrPromise('getPrivacySetting', options, () => ({
        success: {
          needAuthorization: consent.privacy !== 'agreed',
          privacyContractName: '《小程序隐私保护指引》',
        },
      }))
    },

    requirePrivacyAuthorize(options = {}) {
      if (options.success || options.fail || options.complete) {
        askForPrivacy(options)
        return undefined
      }
      return new Promise((success, fail) => askForPrivacy({ success, fail }))
    },

    onNeedPrivacyAuthorization(listener) {
      ownDialogue = listener
    },
  }

  /** By WeChat's dialogue, where the user answers at once; or by the app's own, which says when they did. */
  function askForPrivacy(callbacks: Callbacks): void {
    const api = 'requirePrivacyAuthorize'
    if (consent.privacy === 'agreed') settle(true)
    else if (ownDialogue === undefined) settle(consent.privacy === 'agrees')
    else ownDialogue(resolve, { referrer: api })

    function resolve({ event }: Parameters<ResolvePrivacy>[0]): void {
      if (event !== 'exposureAuthorization') settle(event === 'agree')
    }

    function settle(agrees: boolean): void {
      if (agrees) consent.privacy = 'agreed'
      app.later(() => callBack<WxSuccess>(api, callbacks, agrees ? { success: {} } : notAgreed(api)))
    }
  }

  function notAgreed(api: string): Failure {
    return failure(api, 'privacy permission is not authorized', NOT_AGREED)
  }
}
