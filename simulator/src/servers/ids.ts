import { createHash, randomBytes, randomInt } from 'node:crypto'

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

// WeChat documents none of these lengths. They are what its examples show, so that columns, patterns and
// logs in development look as they will in production.

/** Like a mini program's AppID: `wx` and 16 hex digits. */
export function randomAppId(): string {
  return `wx${randomBytes(8).toString('hex')}`
}

/** Like QQ's: a number of ten digits. */
export function randomQqAppId(): string {
  return `11${Array.from({ length: 8 }, () => randomInt(10)).join('')}`
}

/** Like 抖音's: `tt` and 18 hex digits. */
export function randomDouyinAppId(): string {
  return `tt${randomBytes(9).toString('hex')}`
}

/** Like the id of an enterprise in 企业微信: `ww` and 16 hex digits. */
export function randomCorpId(): string {
  return `ww${randomBytes(8).toString('hex')}`
}

/** The trace id in 抖音's answers: the time in Beijing, and 18 hex digits. */
export function randomLogId(now: number): string {
  const beijing = new Date(now + 8 * 3600_000).toISOString().replace(/\D/g, '').slice(0, 14)
  return `${beijing}${randomBytes(9).toString('hex').toUpperCase()}`
}

/** Like an AppSecret: 32 hex digits. */
export function randomAppSecret(): string {
  return randomBytes(16).toString('hex')
}

/** Like a code: 32 letters and digits. */
export function randomCode(): string {
  return randomAlphanumeric(32)
}

/** Could this text be a code? */
export function isCode(text: string): boolean {
  return /^[0-9A-Za-z]{32}$/.test(text)
}

/** Like a session_key: the base64 text of 16 bytes, 24 characters. */
export function randomSessionKey(): string {
  return randomBytes(16).toString('base64')
}

/** Like an access_token. The real ones have differed in length; WeChat asks for room for 512 characters. */
export function randomAccessToken(): string {
  return `${randomInt(10, 100)}_${randomAlphanumeric(133)}`
}

/** Could this text be an openid? */
export function isOpenId(text: string): boolean {
  return /^o[\w-]{27}$/.test(text)
}

/** An openid or unionid: `o` and 27 characters, always the same for the same owner. */
export function openIdOf(...owner: string[]): string {
  return `o${createHash('sha256').update(owner.join('\n')).digest('base64url').slice(0, 27)}`
}

/** Like an openid of QQ: 32 hex digits. */
export function qqOpenIdOf(...owner: string[]): string {
  return createHash('sha256').update(owner.join('\n')).digest('hex').slice(0, 32).toUpperCase()
}

/** Like an openid of 抖音: `_000` and 32 characters. */
export function douyinOpenIdOf(...owner: string[]): string {
  return `_000${createHash('sha256').update(owner.join('\n')).digest('base64url').slice(0, 32)}`
}

/** An openpid, of a user and a plug-in: `G` and 27 characters, as in the page's example. */
export function openPidOf(...owner: string[]): string {
  return `G${openIdOf('openpid', ...owner).slice(1)}`
}

/** Like the tickets and codes of a third-party platform: a word that says what it is, and 64 characters. */
export function randomTicket(prefix: string): string {
  return `${prefix}${randomAlphanumeric(64)}`
}

/** Like an environment of 云托管: `prod-` and letters and digits. */
export function randomEnv(): string {
  return `prod-${randomAlphanumeric(14).toLowerCase()}`
}

/** Like the id of a call of the gateway or of 云托管: the Unix time in ms, and 8 characters. */
export function randomCallId(now: number): string {
  return `${now}-${randomBytes(6).toString('base64url')}`
}

/** The trace id in WeChat's error messages; its first group is the Unix time in hex. */
export function randomRid(now: number): string {
  const seconds = Math.floor(now / 1000).toString(16)
  return `${seconds}-${randomBytes(4).toString('hex')}-${randomBytes(4).toString('hex')}`
}

function randomAlphanumeric(length: number): string {
  return Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('')
}
