import { createHash } from 'node:crypto'

/** What every candidate knows and answers: so that only how they know it differs. */
export interface User {
  openId: string
  unionId: string
  nickName: string
  avatarUrl: string
  gender: number
  language: string
  city: string
  province: string
  country: string
}

/** About 350 bytes of JSON, as a profile of WeChat has. */
export function userOf(n: number): User {
  const openId = `o${String(n).padStart(6, '0')}-abcdefghijklmnopqrst`
  return {
    openId,
    unionId: `u${openId.slice(1)}`,
    nickName: `用户 ${n}`,
    avatarUrl: `https://thirdwx.qlogo.cn/mmopen/vi_32/${'a'.repeat(86)}${n}/132`,
    gender: 1,
    language: 'zh_CN',
    city: 'Guangzhou',
    province: 'Guangdong',
    country: 'China',
  }
}

/** An id of 43 characters that says which session it is. */
export function idOf(n: number): string {
  return `bench${String(n).padStart(8, '0')}${'x'.repeat(30)}`
}

/** As long as they are. */
export const APP_ID = 'wx-of-the-bench-18'
export const APP_SECRET = 'secret of the benchmark, and of nothing else'
export const KEY = 'a key of the benchmark, and of nothing else'

/** The same for everybody: what is compared is the work, and that does not depend on it. */
export const SESSION_KEY: string = Buffer.alloc(16, 1).toString('base64')

/** What a phone sends at login beside its code. */
export function signed(n: number): Record<string, string> {
  const { openId: _, unionId: __, ...profile } = userOf(n)
  const rawData = JSON.stringify(profile)
  const signature = createHash('sha1')
    .update(rawData + SESSION_KEY)
    .digest('hex')
  return { 'X-WX-RawData': encodeURIComponent(rawData), 'X-WX-Signature': signature }
}

/** What wafer-node-session has its clients send. */
export function skeyOf(sessionKey: string): string {
  return createHash('sha1')
    .update(APP_ID + APP_SECRET + sessionKey)
    .digest('hex')
}

/** Where a login's code stands in its headers, which are otherwise those of user n; see load.ts. */
export const CODE = 'CODE'
