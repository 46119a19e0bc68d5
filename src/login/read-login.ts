import type { IncomingMessage } from 'node:http'
import { ENCRYPTED_MAX, type EncryptedData, readEncrypted } from '../crypto/wechat-crypto.js'
import { WeappSessionError } from '../errors.js'
import {
  CODE_HEADER,
  CODE_LOGIN,
  ENCRYPTED_DATA_HEADER,
  IV_HEADER,
  LOGIN_HEADER,
  RAW_DATA_HEADER,
  SIGNATURE_HEADER,
} from '../protocol.js'
import { fieldOf, isTextUpTo, NO_TEXT, parseObject, textOf } from '../util/json.js'

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

// Node gives header names in lower case.
const CODE = CODE_HEADER.toLowerCase()
const LOGIN = LOGIN_HEADER.toLowerCase()
const RAW_DATA = RAW_DATA_HEADER.toLowerCase()
const SIGNATURE = SIGNATURE_HEADER.toLowerCase()
const ENCRYPTED_DATA = ENCRYPTED_DATA_HEADER.toLowerCase()
const IV = IV_HEADER.toLowerCase()

/** As errors call them, by the names that Node gives. */
const LOGIN_HEADERS = new Map(
  [CODE_HEADER, LOGIN_HEADER, RAW_DATA_HEADER, SIGNATURE_HEADER, ENCRYPTED_DATA_HEADER, IV_HEADER].map(
    (name) => [name.toLowerCase(), name],
  ),
)

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

type LoginField = 'code' | 'rawData' | 'signature' | 'encryptedData' | 'iv'

/** What errors call a field, so that whoever has made the mistake knows where to look. */
type NameOf = (field: LoginField) => string

const IN_HEADERS: Readonly<Record<LoginField, string>> = {
  code: CODE_HEADER,
  rawData: RAW_DATA_HEADER,
  signature: SIGNATURE_HEADER,
  encryptedData: ENCRYPTED_DATA_HEADER,
  iv: IV_HEADER,
}

/**
 * Reads the login headers of a request and checks their shape; nothing when it logs nobody in. No I/O: what is
 * refused here has cost nobody anything.
 *
 * @throws {WeappSessionError} ERR_BAD_REQUEST, or ERR_UNTRUSTED_RAW_DATA with status 400
 */
export function readLogin(request: IncomingMessage): Login | undefined {
  const { headers } = request
  // rawData without a code claims nothing, as in the original.
  const isLogin = headers[LOGIN] !== undefined || (headers[RAW_DATA] && headers[CODE])
  if (!isLogin) return undefined

  refuseRepeated(request)
  if ((headers[LOGIN] ?? CODE_LOGIN) !== CODE_LOGIN)
    throw badRequest(`${LOGIN_HEADER} must be \`${CODE_LOGIN}\``)
  const rawData = textOf(headers[RAW_DATA] || undefined, HEADER_MAX)
  const encryptedData = textOf(headers[ENCRYPTED_DATA] || undefined, ENCRYPTED_MAX)
  if (rawData === NO_TEXT) throw badRequest(tooLong(RAW_DATA_HEADER))
  if (encryptedData === NO_TEXT) throw malformed(tooLong(ENCRYPTED_DATA_HEADER, ENCRYPTED_MAX))
  const fields = {
    code: headers[CODE],
    rawData: rawData && decode(rawData),
    signature: headers[SIGNATURE],
    encryptedData,
    iv: headers[IV] || undefined,
  }
  return checkedLogin(fields, (field) => IN_HEADERS[field])
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
export function checkedCredential(credential: unknown, name: string = CODE_HEADER): string {
  if (!isTextUpTo(CREDENTIAL_MAX, credential) || !CREDENTIAL.test(credential))
    throw badRequest(
      `${name} must be what wx.login() gave: 1 to ${CREDENTIAL_MAX} printable ASCII characters, no comma`,
    )
  return credential
}

/** Node joins what a repeated header says: signed text and its signature must not be put together that way. */
function refuseRepeated({ headers, rawHeaders }: IncomingMessage): void {
  // As many names as lines: each is there once.
  if (Object.keys(headers).length * 2 === rawHeaders.length) return
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    const header = LOGIN_HEADERS.get(name)
    if (header === undefined) continue
    if (seen.has(name)) throw badRequest(`${header} must not be repeated`)
    seen.add(name)
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
