import type { SessionRecord } from '../store.js'
import type { WxUserInfo } from '../user-data.js'

/** What a session begins with. The rest of the line is for the scripts; see redis-scripts.ts. */
const HEAD = 'session '

/** The parts of a record by their place: names would be a third of what is stored, and of what it takes to read it. */
type Parts = [
  v: 1,
  appId: string,
  created: number,
  key: string,
  data: SessionRecord['data'],
  failures: number,
  dev: 0 | 1,
  openId?: string | null,
  unionId?: string | null,
  nickName?: string | null,
  avatarUrl?: string | null,
  gender?: number | null,
  language?: string | null,
  city?: string | null,
  province?: string | null,
  country?: string | null,
]

/** `session REV EXPIRES`, a line end, and the rest as JSON. */
export function printSession(record: SessionRecord): string {
  return `${HEAD}${record.rev} ${record.expires}\n${printParts(record)}`
}

/** All of a record that an update may change. */
export function printParts({ v, appId, user, data, key, created, failures = 0, dev }: SessionRecord): string {
  const parts: Parts = [v, appId, created, key, data, failures, dev ? 1 : 0]
  if (user) {
    const { openId, unionId, nickName, avatarUrl, gender, language, city, province, country } = user
    parts.push(openId, unionId, nickName, avatarUrl, gender, language, city, province, country)
  }
  return JSON.stringify(parts)
}

/** Nothing where it is no session, or none that we wrote. */
export function parseSession(value: string | null): SessionRecord | undefined {
  if (!value?.startsWith(HEAD)) return undefined
  const end = value.indexOf('\n')
  const space = value.indexOf(' ', HEAD.length)
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
    rev: Number(value.slice(HEAD.length, space)),
  }
  if (parts[5]) record.failures = parts[5]
  if (parts[6]) record.dev = true
  return record
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
  if (typeof parts[7] !== 'string') return null
  const user: { -readonly [Name in keyof WxUserInfo]: WxUserInfo[Name] } = { openId: parts[7] }
  if (parts[8] != null) user.unionId = parts[8]
  if (parts[9] != null) user.nickName = parts[9]
  if (parts[10] != null) user.avatarUrl = parts[10]
  if (parts[11] != null) user.gender = parts[11]
  if (parts[12] != null) user.language = parts[12]
  if (parts[13] != null) user.city = parts[13]
  if (parts[14] != null) user.province = parts[14]
  if (parts[15] != null) user.country = parts[15]
  return user
}
