import { randomBytes } from 'node:crypto'
import type { Accounts, User } from '../servers/accounts.js'
import type { Codes } from '../servers/codes.js'
import type { PhoneMessages } from '../servers/phone-messages.js'
import type { WxFailure } from './wx.js'

/** How the user taps the button for their phone number. */
export interface TapPhoneNumberOptions {
  /** Whether they refuse. Default false. */
  denies?: boolean
  /** Whether it is the button of `getRealtimePhoneNumber`, whose number was verified just now. Default false. */
  realtime?: boolean
}

/**
 * What the page gets. A success has the code, and the older `encryptedData` and `iv` when the user has a session_key; a refusal
 * none of them.
 */
export interface PhoneNumberDetail extends WxFailure {
  code?: string
  encryptedData?: string
  iv?: string
  cloudID?: string
}

/** A file of the phone, until the app is closed: see `phone.files`. */
export interface ChosenAvatar {
  avatarUrl: string
}

/** No number is left that was paid for: developers.weixin.qq.com/miniprogram/dev/framework/open-ability/getPhoneNumber.html */
const NO_QUOTA = 1400001

/** Buttons that a user of the phone taps, where the page hears of it by an event. */
export interface Buttons {
  tapPhoneNumber(options?: TapPhoneNumberOptions): PhoneNumberDetail
  chooseAvatar(picture?: Uint8Array): ChosenAvatar
}

export function createButtons(situation: {
  user: User
  accounts: Accounts
  phoneCodes: Codes
  phoneMessages: PhoneMessages
  files: Map<string, Buffer>
  numbersLeft(): number
}): Buttons {
  const { user, accounts, phoneCodes, phoneMessages, files, numbersLeft } = situation

  return {
    tapPhoneNumber({ denies = false, realtime = false } = {}) {
      const api = realtime ? 'getRealtimePhoneNumber' : 'getPhoneNumber'
      if (denies) return { errMsg: `${api}:fail user deny` }
      // The text is a guess; the errno is documented.
      if (numbersLeft() <= 0) return { errMsg: `${api}:fail no quota`, errno: NO_QUOTA }

      const sessionKey = accounts.validSessionKey(user)
      const older = sessionKey === undefined ? {} : phoneMessages.encrypt(user, sessionKey)
      const cloudID = randomBytes(30).toString('base64url')
      return { errMsg: `${api}:ok`, code: phoneCodes.issue(user), cloudID, ...older }
    },

    chooseAvatar(picture = new Uint8Array()) {
      const avatarUrl = `http://tmp/${randomBytes(16).toString('hex')}.jpg`
      files.set(avatarUrl, Buffer.from(picture))
      return { avatarUrl }
    },
  }
}
