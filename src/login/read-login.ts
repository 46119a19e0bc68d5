import type { IncomingMessage } from 'node:http'
import { WeappSessionError } from '../errors.js'
import { CODE_LOGIN, type HeaderNames } from '../protocol.js'
import { fieldOf, isTextUpTo, NO_TEXT, parseObject, textOf } from '../util/json.js'
import { ENCRYPTED_MAX, type EncryptedData, readEncrypted } from '../wechat/user-info.js'
import type { Wire } from '../wire.js'

/** What a request that logs in claims. Nothing of it is proved yet. */
export interface Login {
  code: string
  /** Absent in a login by code alone. */
  userInfo?: UserInfo
  encrypted?: EncryptedData
}

interface UserInfo {
  /** The text that WeChat signed, character by character. */
  rawData: string
  fields: Record<string, unknown>
  signature: string
}

/**
 * What a code, or another credential, can look like: printable ASCII, 256 characters at most. WeChat documents
 * no shape, so this keeps out only what is certainly none. Node joins repeated headers with a comma, which no
 * code has.
 */
const CREDENTIAL = /^[!-+\--~][ -+\--~]{0,255}$/

/** Characters of `encodeURIComponent(rawData)` in a header; nginx takes 8 KB for one. */
const HEADER_MAX = 8192

/** Bytes of a body at `loginPath`: far more than any profile, and its encrypted data, need. */
export const LOGIN_BODY_MAX: number = ENCRYPTED_MAX

/** Characters of rawData anywhere: as many as a whole body at `loginPath` has. Today's is 250 long. */
const RAW_DATA_MAX = LOGIN_BODY_MAX

const CREDENTIAL_MAX = 256

/** Characters of a SHA-1 in hex. */
const SIGNATURE_MAX = 40

const SHA1 = /^[0-9a-f]{40}$/i

const LOGIN_FIELDS = ['code', 'rawData', 'signature', 'encryptedData', 'iv'] as const

const IN_LOGIN = ['login', ...LOGIN_FIELDS] as const

type LoginField = (typeof LOGIN_FIELDS)[number]

/** What errors call a field, so that whoever has made the mistake knows where to look. */
type NameOf = (field: LoginField) => string

/**
 * Reads the login headers of a request that has some, and checks their shape. No I/O: what is refused here has cost nobody
 * anything.
 *
 * @throws {WeappSessionError} ERR_BAD_REQUEST, or ERR_UNTRUSTED_RAW_DATA with status 400
 */
export function readLogin(request: IncomingMessage, { keys, names: [names] }: Wire): Login {
  const { headers } = request
  const nameOf = (field: keyof HeaderNames) => (names as HeaderNames)[field]
  refuseRepeated(request, keys, nameOf)
  if ((headers[keys.login] ?? CODE_LOGIN) !== CODE_LOGIN)
    throw badRequest(`${nameOf('login')} must be \`${CODE_LOGIN}\``)
  const rawData = textOf(headers[keys.rawData] || undefined, HEADER_MAX)
  const encryptedData = textOf(headers[keys.encryptedData] || undefined, ENCRYPTED_MAX)
  if (rawData === NO_TEXT) throw badRequest(tooLong(nameOf('rawData')))
  if (encryptedData === NO_TEXT) throw malformed(tooLong(nameOf('encryptedData'), ENCRYPTED_MAX))
  const fields = {
    code: headers[keys.code],
    rawData: rawData && decode(rawData),
    signature: headers[keys.signature],
    encryptedData,
    iv: headers[keys.iv] || undefined,
  }
  return checkedLogin(fields, nameOf)
}

/**
 * A login of which every field is what it has to be: types and lengths first, then shapes.
 *
 * @param fields as they came, from headers or from a body: of whatever type
 * @throws {WeappSessionError} as {@link readLogin} does
 */
export function checkedLogin(fields: Record<string, unknown>, nameOf: NameOf): Login {
  const login: Login = { code: checkedCredential(fieldOf(fields, 'code', CREDENTIAL_MAX), nameOf('code')) }
  const rawData = fieldOf(fields, 'rawData', RAW_DATA_MAX)
  if (rawData !== undefined) login.userInfo = checkedUserInfo(rawData, fields, nameOf)
  const hasEncrypted = fieldOf(fields, 'encryptedData', ENCRYPTED_MAX) || fieldOf(fields, 'iv', ENCRYPTED_MAX)
  if (hasEncrypted) login.encrypted = checkedEncrypted(fields, nameOf)
  return login
}

function checkedUserInfo(
  rawData: string | typeof NO_TEXT,
  fields: Record<string, unknown>,
  nameOf: NameOf,
): UserInfo {
  const profile = rawData === NO_TEXT ? undefined : parseObject(rawData)
  if (rawData === NO_TEXT || !profile)
    throw malformed(`${nameOf('rawData')} must be a JSON object, as wx.getUserInfo() gave it`)

  const signature = fieldOf(fields, 'signature', SIGNATURE_MAX)
  if (typeof signature !== 'string' || !SHA1.test(signature))
    throw malformed(`${nameOf('signature')} must be a SHA-1 in hex, of the same wx.getUserInfo() as rawData`)
  return { rawData, fields: profile, signature }
}

function checkedEncrypted(fields: Record<string, unknown>, nameOf: NameOf): EncryptedData {
  const encrypted = readEncrypted(fields)
  if (encrypted) return encrypted
  throw malformed(
    `${nameOf('encryptedData')} and ${nameOf('iv')} must be whole blocks of AES, and 16 bytes, in base64, as wx gave them`,
  )
}

/**
 * @param name what errors call it
 * @throws {WeappSessionError} ERR_BAD_REQUEST when it has an impossible shape
 */
export function checkedCredential(credential: unknown, name: string): string {
  if (!isTextUpTo(CREDENTIAL_MAX, credential) || !CREDENTIAL.test(credential))
    throw badRequest(
      `${name} must be what wx.login() gave: 1 to ${CREDENTIAL_MAX} printable ASCII characters, no comma`,
    )
  return credential
}

/** Node joins what a repeated header says: signed text and its signature must not be put together that way. */
function refuseRepeated(
  { headers, rawHeaders }: IncomingMessage,
  keys: HeaderNames,
  nameOf: (field: keyof HeaderNames) => string,
): void {
  // As many names as lines: each is there once.
  if (Object.keys(headers).length * 2 === rawHeaders.length) return
  const lines = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  for (const field of IN_LOGIN) {
    if (lines.filter((name) => name === keys[field]).length > 1)
      throw badRequest(`${nameOf(field)} must not be repeated`)
  }
}

/** Malformed percent-encoding is no JSON, and is refused as such. */
function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return ''
  }
}

function tooLong(name: string, max = HEADER_MAX): string {
  return `${name} must not be longer than ${max} characters: send it to loginPath`
}

function badRequest(what: string): WeappSessionError {
  return new WeappSessionError('ERR_BAD_REQUEST', { message: `${what}.` })
}

function malformed(what: string): WeappSessionError {
  return new WeappSessionError('ERR_UNTRUSTED_RAW_DATA', { status: 400, message: `${what}.` })
}
