import type { Phone } from '../phone/phone.js'
import { createWechatParts, type WechatOptions, type WechatParts } from '../wechat.js'
import { type CallLog, createCallLog } from './call-log.js'

/** A WeChat from one reset to the next: its parts, what was called, and a phone for each user. */
export interface World extends WechatParts {
  readonly calls: CallLog
  /** Whether WeChat's limits are kept. */
  readonly strict: boolean
  /** The phone of that user, on which codes are obtained and buttons tapped. */
  phone(name: string): Phone
  /** Counts a login, and says whether `wx.login()` works so often: where limits are kept, it may not. */
  mayLogIn(name: string): boolean
  /** The user is gone, and their codes are worth nothing. */
  remove(name: string): void
}

/** "4 times a second for each user": developers.weixin.qq.com/miniprogram/dev/framework/performance/api-frequency.html */
const LOGINS_PER_SECOND = 4

export function createWorld(options: WechatOptions): World {
  const parts = createWechatParts(options)
  const { wechat } = parts
  const { strict = false } = options
  const calls = createCallLog(wechat.clock)
  const phones = new Map<string, Phone>()
  const logins = new Map<string, number[]>()
  parts.observe(calls.add)

  return {
    ...parts,
    calls,
    strict,

    phone(name) {
      const phone = phones.get(name) ?? wechat.phone(name)
      phones.set(name, phone)
      return phone
    },

    mayLogIn(name) {
      if (!strict) return true
      const now = wechat.clock.now()
      const latest = (logins.get(name) ?? []).filter((time) => time > now - 1000)
      if (latest.length >= LOGINS_PER_SECOND) return false
      logins.set(name, [...latest, now])
      return true
    },

    remove(name) {
      parts.forget(name)
      phones.delete(name)
    },
  }
}
