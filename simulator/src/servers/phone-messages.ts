import { createHash } from 'node:crypto'
import type { Clock } from '../clock.js'
import { encrypt } from '../user-info.js'
import type { User } from './accounts.js'

/** `checkencryptedmsg` remembers for three days: api_checkencrypteddata. */
const LIFE = 3 * 24 * 60 * 60_000

/** The phone numbers that WeChat has encrypted, and whether it was WeChat. */
export interface PhoneMessages {
  /** What the button gave before it gave codes: base64 of the number, encrypted with the session_key. */
  encrypt(user: User, sessionKey: string): { encryptedData: string; iv: string }
  /** When WeChat has encrypted this (ms since 1970), if it has, lately. `hash`: hex SHA-256 of `encryptedData`. */
  encryptedAt(hash: string): number | undefined
  /** What WeChat says of a number. */
  phoneInfo(user: User): PhoneInfo
}

/** developers.weixin.qq.com/miniprogram/dev/server/API/user-info/phone-number/api_getphonenumber.html */
export interface PhoneInfo {
  phoneNumber: string
  purePhoneNumber: string
  countryCode: string
  watermark: { timestamp: number; appid: string }
}

export function createPhoneMessages({ appId, clock }: { appId: string; clock: Clock }): PhoneMessages {
  const times = new Map<string, number>()

  return {
    encrypt(user, sessionKey) {
      const message = encrypt(phoneInfo(user), sessionKey)
      times.set(createHash('sha256').update(message.encryptedData).digest('hex'), clock.now())
      return message
    },

    encryptedAt(hash) {
      const at = times.get(hash.toLowerCase())
      return at !== undefined && clock.now() - at < LIFE ? at : undefined
    },

    phoneInfo,
  }

  function phoneInfo({ phoneNumber }: User): PhoneInfo {
    const watermark = { timestamp: Math.floor(clock.now() / 1000), appid: appId }
    return { phoneNumber, purePhoneNumber: phoneNumber, countryCode: '86', watermark }
  }
}
