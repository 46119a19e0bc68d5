import type { WxUserInfo } from '../../wechat/user-info.js'
import { isRecord, parseRefusal } from '../shape.js'
import type { RememberedRefusal, SessionRecord } from '../store.js'

/**
 * A record as a list, without names: they would be a third of what is stored, and of the time to read it. Missing parts
 * at the end are left out.
 */
type Parts = [
  v: 1,
  appId: string,
  created: number,
  key: string,
  data: SessionRecord['data'],
  openId?: string | null,
  unionId?: string | null,
  nickName?: string | null,
  avatarUrl?: string | null,
  gender?: number | null,
  language?: string | null,
  city?: string | null,
  province?: string | null,
  country?: string | null,
  failures?: number | null,
]

/** The value of a session key. How its text begins says which it is: see scripts.ts. */
export type Value =
  | { kind: 'session'; record: SessionRecord }
  | { kind: 'claim'; token: string }
  | { kind: 'refused'; refusal: RememberedRefusal }
  | { kind: 'used' }
  | { kind: 'taken'; token: string; successor: string; record: SessionRecord }
  | { kind: 'ended'; successor?: string }

/** Replaces a claim when the session of its code has an id of its own. */
export const USED = 'used'

/** Nothing for a missing value, and for one that this package did not write. */
export function parseValue(value: string | null): Value | undefined {
  const record = parseSession(value)
  if (record) return { kind: 'session', record }
  if (value === USED) return { kind: 'used' }
  if (value === 'ended') return { kind: 'ended' }
  if (value?.startsWith('ended ')) return { kind: 'ended', successor: value.slice(6) }
  if (value?.startsWith('refused ')) return { kind: 'refused', refusal: parseRefusal(value.slice(8)) }
  if (value?.startsWith('claim ')) return { kind: 'claim', token: value }
  const taken = parseTaken(value)
  return taken && { kind: 'taken', ...taken }
}

/** The token of a claim is its whole value. */
export function printClaim(token: string): string {
  return `claim ${token}`
}

export function printRefusal(refusal: RememberedRefusal): string {
  return `refused ${JSON.stringify(refusal)}`
}

/** `REV EXPIRES`, a line end, and the rest as JSON. Scripts read the first line: see scripts.ts. */
export function printSession(record: SessionRecord): string {
  return `${record.rev} ${record.expires}\n${printParts(record)}`
}

/** The JSON of a record: all that an update may change. */
export function printParts({ v, appId, user, data, key, created, failures }: SessionRecord): string {
  const { openId, unionId, nickName, avatarUrl, gender, language, city, province, country } = user ?? NOBODY
  const profile = [nickName, avatarUrl, gender, language, city, province, country]
  const parts: (Parts[number] | undefined)[] = [v, appId, created, key, data, openId, unionId]
  parts.push(...profile, failures)
  while (parts.at(-1) === undefined) parts.pop()
  return JSON.stringify(parts)
}

const NOBODY: Partial<WxUserInfo> = {}

/** Nothing for a value that is no session, or that this package did not write. */
export function parseSession(value: string | null): SessionRecord | undefined {
  if (value === null || !isDigit(value.charCodeAt(0))) return undefined
  const end = value.indexOf('\n')
  const space = value.indexOf(' ')
  const parts = partsOf(value.slice(end + 1))
  if (!parts) return undefined
  const record: SessionRecord = {
    v: parts[0],
    appId: parts[1],
    user: userOf(parts),
    data: parts[4],
    key: parts[3],
    created: parts[2],
    expires: Number(value.slice(space, end)),
    rev: Number(value.slice(0, space)),
  }
  if (parts[14]) record.failures = parts[14]
  return isRecord(record) ? record : undefined
}

/** A taken session, as the script TAKE writes it; nothing for other values. */
function parseTaken(
  value: string | null,
): { token: string; successor: string; record: SessionRecord } | undefined {
  if (!value?.startsWith('taken ')) return undefined
  const end = value.indexOf('\n')
  const [, token, successor] = value.slice(0, end).split(' ')
  const record = parseSession(value.slice(end + 1))
  return record && token && successor ? { token, successor, record } : undefined
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function partsOf(json: string): Parts | undefined {
  try {
    const parts: unknown = JSON.parse(json)
    return Array.isArray(parts) ? (parts as Parts) : undefined
  } catch {
    return undefined
  }
}

/** Field by field: a loop takes as long as the parsing. */
function userOf(parts: Parts): WxUserInfo | null {
  if (typeof parts[5] !== 'string') return null
  const user: { -readonly [Name in keyof WxUserInfo]: WxUserInfo[Name] } = {
    appId: parts[1],
    openId: parts[5],
  }
  if (typeof parts[6] === 'string') user.unionId = parts[6]
  if (typeof parts[7] === 'string') user.nickName = parts[7]
  if (typeof parts[8] === 'string') user.avatarUrl = parts[8]
  if (typeof parts[9] === 'number') user.gender = parts[9]
  if (typeof parts[10] === 'string') user.language = parts[10]
  if (typeof parts[11] === 'string') user.city = parts[11]
  if (typeof parts[12] === 'string') user.province = parts[12]
  if (typeof parts[13] === 'string') user.country = parts[13]
  return user
}

/** ms that a session has left; at least 1, because Redis takes no less. */
export function lifeOf(expires: number): number {
  return Math.max(1, expires - Date.now())
}
