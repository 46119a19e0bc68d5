import type { Callbacks, WxSuccess } from './wx-callbacks.js'

/** What `wx.pluginLogin()` gives: a code for `getpluginopenpid`. */
export interface PluginLoginResult extends WxSuccess {
  code: string
}

/** The key of the user that the mini program's server can ask for, too. */
export interface LatestUserKey extends WxSuccess {
  /** Base64 of 16 bytes. */
  encryptKey: string
  /** 16 hex digits. */
  iv: string
  version: number
  /** Seconds since 1970. WeChat does not say which unit it is: a guess. */
  expireTime: number
}

/** developers.weixin.qq.com/miniprogram/dev/api/base/crypto/UserCryptoManager.html */
export interface UserCryptoManager {
  /** Never returns a promise. */
  getLatestUserKey(options?: Callbacks<LatestUserKey>): void
  getRandomValues(options: { length: number } & Callbacks<WxSuccess & { randomValues: ArrayBuffer }>): void
}

/** What a user has allowed or refused, by the names of scopes such as `scope.werun`. Those that were never asked are missing. */
export type AuthSetting = Record<string, boolean>

/** What `wx.getSetting()` says. */
export interface GetSettingResult extends WxSuccess {
  authSetting: AuthSetting
}

/** Steps that are encrypted with the session_key, as `getUserInfo` encrypts. */
export interface WeRunData extends WxSuccess {
  encryptedData: string
  iv: string
  cloudID: string
}

/** What `wx.getPrivacySetting()` says. */
export interface PrivacySetting extends WxSuccess {
  /** Whether the user has still to agree. */
  needAuthorization: boolean
  /** What the page calls 小程序用户隐私保护指引. */
  privacyContractName: string
}

/** How an app answers for its user, when WeChat asks for their agreement. */
export type ResolvePrivacy = (answer: {
  event: 'exposureAuthorization' | 'agree' | 'disagree'
  buttonId?: string
}) => void

/** What of `wx` is about the user, beside logins and profiles. */
export interface WxUserApis {
  /** A code of the user for a plug-in's server. */
  pluginLogin(options?: Callbacks<PluginLoginResult>): undefined | Promise<PluginLoginResult>
  getUserCryptoManager(): UserCryptoManager
  getSetting(options?: Callbacks<GetSettingResult>): undefined | Promise<GetSettingResult>
  /** Asks the user, who answers as `phone.permissions` says; once only. */
  authorize(options: { scope: string } & Callbacks): undefined | Promise<WxSuccess>
  getWeRunData(options?: Callbacks<WeRunData>): undefined | Promise<WeRunData>
  getPrivacySetting(options?: Callbacks<PrivacySetting>): undefined | Promise<PrivacySetting>
  /** Ends when the user has answered: see `phone.privacy`. */
  requirePrivacyAuthorize(options?: Callbacks): undefined | Promise<WxSuccess>
  /** The app's own dialogue instead of WeChat's. */
  onNeedPrivacyAuthorization(listener: (resolve: ResolvePrivacy, event: { referrer: string }) => void): void
}
