import { createHash } from 'node:crypto'
import type { GetUserInfoResult, Phone, Wechat } from '../../simulator/src/index.js'

/** What `wx.getUserInfo()` gives: signed and encrypted with the key that the user has now. */
export function userInfoOf(phone: Phone): Promise<GetUserInfoResult> {
  return new Promise((resolve, reject) => phone.wx.getUserInfo({ success: resolve, fail: reject }))
}

/** The session_key of a phone's user, as somebody has it to whom it was leaked: the one of all secrets that fits. */
export async function sessionKeyOf(wechat: Wechat, phone: Phone): Promise<string> {
  const { rawData, signature } = await userInfoOf(phone)
  const signs = (key: string) =>
    createHash('sha1')
      .update(rawData + key)
      .digest('hex') === signature
  const key = wechat.secrets().find(signs)
  if (key === undefined) throw new Error('none of the secrets has signed this')
  return key
}
