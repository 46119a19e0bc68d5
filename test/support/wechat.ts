import type { ExecutionContext } from 'ava'
import { createWechat, type Phone, type Wechat, type WechatOptions } from '../../simulator/src/index.js'
import { trace } from './trace.js'

/** A WeChat whose secrets must not turn up anywhere; ends with the test. */
export function startWechat(t: ExecutionContext, options?: WechatOptions): Wechat {
  const wechat = createWechat(options)
  t.teardown(async () => {
    for (const secret of wechat.secrets()) trace('secrets', secret)
    await wechat.close()
  })
  return wechat
}

/** A fresh code. */
export function newCode(phone: Phone): Promise<string> {
  return new Promise((resolve, reject) => {
    phone.wx.login({ success: ({ code }) => resolve(code), fail: reject })
  })
}

/** The headers of a login as the original client makes them: a fresh code, and what getUserInfo signs. */
export async function loginHeaders(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  return new Promise((resolve, reject) => {
    phone.wx.getUserInfo({
      success: ({ rawData, signature }) =>
        resolve({
          'X-WX-Code': code,
          'X-WX-RawData': encodeURIComponent(rawData),
          'X-WX-Signature': signature,
        }),
      fail: reject,
    })
  })
}

/** The headers of a login without a profile. */
export async function codeLoginHeaders(phone: Phone): Promise<Record<string, string>> {
  return { 'X-WX-Code': await newCode(phone), 'X-WX-Login': 'code' }
}

/** What a later request carries in the code carrier: the code of its login, and nothing else. */
export function codeOnly(headers: Record<string, string>): Record<string, string> {
  return { 'X-WX-Code': headers['X-WX-Code'] ?? '' }
}

/** A phone of a user who has a name, as before 2021. */
export function namedPhone(wechat: Wechat, name: string): Phone {
  const phone = wechat.phone(name)
  phone.userInfo = 'named'
  return phone
}
