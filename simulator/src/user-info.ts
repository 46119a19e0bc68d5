import { createCipheriv, createHash, randomBytes } from 'node:crypto'

/**
 * What WeChat tells a mini program about a user:
 * developers.weixin.qq.com/miniprogram/dev/api/open-api/user-info/UserInfo.html
 */
export interface UserProfile {
  nickName: string
  /** 0 unknown, 1 male, 2 female. */
  gender: number
  language: string
  city: string
  province: string
  country: string
  avatarUrl: string
}

/** How `wx.getUserInfo()` vouches for a profile. */
export interface SignedUserInfo {
  userInfo: UserProfile
  /** The profile as JSON text: what is signed, character for character. */
  rawData: string
  /** Hex SHA-1 of `rawData` and the session_key. */
  signature: string
  /** Base64 of the profile with openId, unionId and watermark, encrypted with the session_key. */
  encryptedData: string
  /** Base64 of the initial vector. */
  iv: string
  cloudID: string
}

/**
 * What every user looks like since WeChat withdrew the real data:
 * developers.weixin.qq.com/community/develop/doc/00022c683e8a80b29bed2142b56c01
 */
export const ANONYMOUS_PROFILE: Readonly<UserProfile> = {
  nickName: '微信用户',
  gender: 0,
  language: 'zh_CN',
  city: '',
  province: '',
  country: '',
  avatarUrl:
    'https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132',
}

/** A profile as it was before 2021, for a user of that name. */
export function namedProfile(name: string): UserProfile {
  return {
    nickName: name,
    gender: 1,
    language: 'zh_CN',
    city: 'Guangzhou',
    province: 'Guangdong',
    country: 'China',
    avatarUrl: `https://thirdwx.qlogo.cn/mmopen/vi_32/${Buffer.from(name).toString('hex')}/132`,
  }
}

/**
 * The profile as the text that WeChat signs. Unlike `JSON.stringify`, it leaves half an emoji as it is,
 * because WeChat's nicknames contain such halves, and `encodeURIComponent` throws on them.
 */
export function rawDataOf(profile: UserProfile): string {
  const { nickName, gender, language, city, province, country, avatarUrl } = profile
  const json = JSON.stringify({ nickName, gender, language, city, province, country, avatarUrl })
  return json.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (escaped, surrogate: string | undefined) =>
    surrogate === undefined ? escaped : String.fromCharCode(Number.parseInt(surrogate, 16)),
  )
}

/**
 * Hex SHA-1 of `rawData` and the session_key, both as UTF-8 text; the key is not decoded:
 * developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
 */
export function signatureOf(rawData: string, sessionKey: string): string {
  return createHash('sha1')
    .update(rawData + sessionKey, 'utf8')
    .digest('hex')
}

/**
 * AES-128-CBC of the data as JSON, with the decoded session_key (same page as {@link signatureOf}).
 * `iv`: 16 bytes; default random.
 */
export function encrypt(
  data: object,
  sessionKey: string,
  iv: Uint8Array = randomBytes(16),
): { encryptedData: string; iv: string } {
  const cipher = createCipheriv('aes-128-cbc', Buffer.from(sessionKey, 'base64'), iv)
  const encryptedData = Buffer.concat([cipher.update(JSON.stringify(data), 'utf8'), cipher.final()])
  return { encryptedData: encryptedData.toString('base64'), iv: Buffer.from(iv).toString('base64') }
}

/** The whole answer of `wx.getUserInfo()`. `identity`: what only the encrypted part says. */
export function signUserInfo(options: {
  profile: UserProfile
  identity: { openId?: string; unionId?: string | undefined }
  appId: string
  sessionKey: string
  now: number
}): SignedUserInfo {
  const { profile, identity, appId, sessionKey, now } = options
  const rawData = rawDataOf(profile)
  const watermark = { timestamp: Math.floor(now / 1000), appid: appId }
  return {
    userInfo: { ...profile },
    rawData,
    signature: signatureOf(rawData, sessionKey),
    ...encrypt({ ...identity, ...profile, watermark }, sessionKey),
    cloudID: randomBytes(30).toString('base64url'),
  }
}
