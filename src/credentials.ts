import type { IncomingMessage } from 'node:http'
import { WeappSessionError } from './errors.js'
import {
  CODE_HEADER,
  CODE_LOGIN,
  ENCRYPTED_DATA_HEADER,
  IV_HEADER,
  LOGIN_HEADER,
  RAW_DATA_HEADER,
  SIGNATURE_HEADER,
} from './protocol.js'
import { type EncryptedData, isCiphertext, parseObject } from './user-data.js'

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
const LOGIN_HEADERS = new Set([CODE, LOGIN, RAW_DATA, SIGNATURE, ENCRYPTED_DATA, IV])

/**
 * What a code, or another credential, can look like: printable ASCII, 256 characters at most. WeChat documents
 * no shape, so this keeps out only what is certainly none. Node joins repeated headers with a comma, which no
 * code has.
 */
const CREDENTIAL = /^[!-+\--~][ -+\--~]{0,255}$/

const SHA1 = /^[0-9a-f]{40}$/i

/** Characters of `encodeURIComponent(rawData)`; today's is 358 long, and nginx takes 8 KB for one header. */
const RAW_DATA_MAX = 8192

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
  const field = (name: string) => headers[name] as string | undefined
  if ((field(LOGIN) ?? CODE_LOGIN) !== CODE_LOGIN) throw new WeappSessionError('ERR_BAD_REQUEST')
  const rawData = field(RAW_DATA) || undefined
  if (rawData && rawData.length > RAW_DATA_MAX) throw new WeappSessionError('ERR_BAD_REQUEST')
  const fields = {
    code: field(CODE),
    rawData: rawData && decode(rawData),
    signature: field(SIGNATURE),
    encryptedData: field(ENCRYPTED_DATA),
    iv: field(IV),
  }
  return checkedLogin(fields)
}

/** The fields of a login as they came, from headers or from a body. */
export interface LoginFields {
  code?: unknown
  rawData?: unknown
  signature?: unknown
  encryptedData?: unknown
  iv?: unknown
}

/** @throws {WeappSessionError} as {@link readLogin} does */
export function checkedLogin(fields: LoginFields): Login {
  const { code, rawData, signature, encryptedData, iv } = fields
  const login: Login = { code: checkedCredential(code) }
  if (rawData !== undefined) login.userInfo = checkedUserInfo(rawData, signature)
  if (encryptedData || iv) login.encrypted = checkedEncrypted({ encryptedData, iv })
  return login
}

function checkedUserInfo(rawData: unknown, signature: unknown): UserInfo {
  const fields = typeof rawData === 'string' ? parseObject(rawData) : undefined
  if (!fields) throw malformed('rawData is not a JSON object')

  if (typeof signature !== 'string' || !SHA1.test(signature))
    throw malformed('the signature is not a SHA-1 in hex')
  return { rawData: rawData as string, fields, signature }
}

function checkedEncrypted({ encryptedData, iv }: LoginFields): EncryptedData {
  const encrypted = { encryptedData: String(encryptedData ?? ''), iv: String(iv ?? '') }
  if (!isCiphertext(encrypted)) throw malformed('encrypted data or its iv is malformed')
  return encrypted
}

/** @throws {WeappSessionError} ERR_BAD_REQUEST when it has an impossible shape */
export function checkedCredential(credential: unknown): string {
  if (typeof credential !== 'string' || !CREDENTIAL.test(credential))
    throw new WeappSessionError('ERR_BAD_REQUEST')
  return credential
}

/** Node joins what a repeated header says: signed text and its signature must not be put together that way. */
function refuseRepeated({ rawHeaders }: IncomingMessage): void {
  const seen = new Set<string>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    if (!LOGIN_HEADERS.has(name)) continue
    if (seen.has(name)) throw new WeappSessionError('ERR_BAD_REQUEST')
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

function malformed(what: string): WeappSessionError {
  return new WeappSessionError('ERR_UNTRUSTED_RAW_DATA', { status: 400, message: `Malformed: ${what}.` })
}
