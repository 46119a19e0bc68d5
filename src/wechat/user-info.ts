import { createDecipheriv, hash, timingSafeEqual } from 'node:crypto'
import { WeappSessionError } from '../errors.js'
import { fieldOf, isObject, parseObject } from '../util/json.js'

/** What `wx.getUserInfo()` says of a user. Since 2021 it is the same anonymous data for everybody. */
export interface Profile {
  nickName?: string
  avatarUrl?: string
  /** 0 unknown, 1 male, 2 female. */
  gender?: number
  language?: string
  city?: string
  province?: string
  country?: string
}

/**
 * The logged-in user: plain, and safe to send to the client. The ids are WeChat's answer to the exchange;
 * the rest is what the user says of themselves, when there is any.
 */
export interface WxUserInfo extends Readonly<Profile> {
  /** The mini program that the user is of. */
  readonly appId: string
  readonly openId: string
  /** There when the mini program belongs to an Open Platform account. */
  readonly unionId?: string
}

const TEXT_FIELDS = ['nickName', 'avatarUrl', 'language', 'city', 'province', 'country'] as const

/** The fields of a profile and no others: whatever else a client sends never reaches a handler. */
export function pickProfile(value: Record<string, unknown>): Profile {
  const profile: Profile = {}
  for (const field of TEXT_FIELDS) {
    const text = value[field]
    if (typeof text === 'string') profile[field] = text
  }
  if (typeof value.gender === 'number') profile.gender = value.gender
  return profile
}

/** A user as WeChat's ids and a profile make it: nothing in the profile can be an id. */
export function userOf(
  { appId, openId, unionId }: { appId: string; openId: string; unionId?: string | undefined },
  profile: Profile | undefined,
): WxUserInfo {
  const ids = unionId === undefined ? { appId, openId } : { appId, openId, unionId }
  // The ids first, so that all users have their fields in one order; and last, so that they count.
  return Object.assign({}, ids, profile, ids)
}

/**
 * Whether a profile names nobody. WeChat calls every user 微信用户 since 2022-11-08, with a grey avatar
 * (developers.weixin.qq.com/community/develop/doc/00022c683e8a80b29bed2142b56c01).
 */
export function isAnonymous(profile: Profile | undefined): boolean {
  return !profile?.nickName || profile.nickName === '微信用户'
}

/** The `encryptedData` and `iv` that many `wx` calls give. */
export interface EncryptedData {
  encryptedData: string
  iv: string
}

/** What WeChat would sign a text with, in hex. */
export function signatureOf(rawData: string, sessionKey: string): string {
  return hash('sha1', rawData + sessionKey, 'hex')
}

/**
 * Whether WeChat signed this text: hex SHA-1 of `rawData + session_key`, both as UTF-8 text, in constant time.
 * The text must be the one that was received: parsing and printing it again changes the bytes.
 * developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html
 */
export function isSigned(rawData: string, signature: string, sessionKey: string): boolean {
  const expected = Buffer.from(signatureOf(rawData, sessionKey))
  const actual = Buffer.from(signature.toLowerCase())
  return actual.length === expected.length && timingSafeEqual(actual, expected)
}

/** Seconds that encrypted data is good for: it is made when it is asked for, so what is older is a repetition. */
const FRESH = 600

/**
 * Opens `encryptedData` (AES-128-CBC, PKCS#7, key = decoded session_key) and checks that it was made for this
 * mini program and, where it names a user, for this user. Every failure is the same error: CBC has no
 * integrity, and an attacker who can tell a bad padding from bad JSON can forge data byte by byte.
 *
 * @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA
 */
export function decryptUserData(
  data: EncryptedData,
  sessionKey: string,
  { appId, openId, now = Date.now() }: { appId: string; openId: string; now?: number },
): Record<string, unknown> {
  const value = parseObject(decryptText(data, sessionKey) ?? '')
  const { appid, timestamp } = (isObject(value?.watermark) ? value.watermark : {}) as Watermark
  // On both sides: WeChat's clock and ours need not agree.
  const isFresh = typeof timestamp === 'number' && Math.abs(now / 1000 - timestamp) <= FRESH
  const isOurs = appid === appId && isFresh
  if (!value || !isOurs || (value.openId ?? openId) !== openId) {
    throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
  }
  return value
}

/** developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html; `timestamp` in Unix seconds. */
interface Watermark {
  appid?: unknown
  timestamp?: unknown
}

/**
 * Characters of `encryptedData`, wherever it comes from: as many as a whole body at `loginPath` has. What WeChat encrypts
 * is a user (500), a phone number (300), a group (200), or at most the steps of thirty-one days (3,000); and to open as
 * much as this takes a fraction of a millisecond for each key that is tried.
 */
export const ENCRYPTED_MAX: number = 64 * 1024

/** Characters of an iv: 16 bytes in base64. */
const IV_MAX = 24

/**
 * What a client says is encrypted data, as texts of our own; nothing where it cannot be that. Types and lengths come
 * first: no work is done on what is too much of it.
 */
export function readEncrypted(source: unknown): EncryptedData | undefined {
  const encryptedData = fieldOf(source, 'encryptedData', ENCRYPTED_MAX)
  const iv = fieldOf(source, 'iv', IV_MAX)
  if (typeof encryptedData !== 'string' || typeof iv !== 'string') return undefined
  const encrypted = { encryptedData, iv }
  return isCiphertext(encrypted) ? encrypted : undefined
}

/** Whether the two texts can be an AES-CBC ciphertext and its iv at all. */
export function isCiphertext({ encryptedData, iv }: EncryptedData): boolean {
  return isBase64(encryptedData) && isBase64(iv) && isBlocks(encryptedData) && decodedLength(iv) === 16
}

function decryptText({ encryptedData, iv }: EncryptedData, sessionKey: string): string | undefined {
  try {
    const key = Buffer.from(sessionKey, 'base64')
    const decipher = createDecipheriv('aes-128-cbc', key, Buffer.from(iv, 'base64'))
    return Buffer.concat([decipher.update(encryptedData, 'base64'), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text)
}

function isBlocks(base64: string): boolean {
  const length = decodedLength(base64)
  return length > 0 && length % 16 === 0
}

function decodedLength(base64: string): number {
  return Buffer.byteLength(base64, 'base64')
}
