import { parseObject } from '../util/json.js'
import type { Mask } from './mask.js'
import type { HeaderMeaning, HeaderView } from './protocol.js'

/** Headers as they came or went: with their own letters, in their own order. */
export type Pairs = readonly (readonly [name: string, value: string])[]

/** What stands behind the prefix of one of the families of names. */
const FIELDS: Record<string, HeaderMeaning> = {
  code: 'code',
  rawdata: 'rawData',
  signature: 'signature',
  'encrypted-data': 'encryptedData',
  iv: 'iv',
  login: 'login',
  session: 'session',
  token: 'token',
  appid: 'appId',
  'session-error': 'error',
}

/** What 云托管 says of a caller. */
const PLATFORM = /^x-wx-(from-)?(openid|appid|unionid)$|^x-wx-(env|source|service|local-debug)$/

const OTHERS: Record<string, HeaderMeaning> = {
  authorization: 'bearer',
  cookie: 'cookie',
  'set-cookie': 'cookie',
  referer: 'referer',
  'retry-after': 'retryAfter',
}

/** A signed id of `headerCarrier()` or `cookieCarrier()`, whatever it is named. */
const SIGNED_ID = /^([\w-]{43})\.([\w-]{43})$/

const JWT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/

/** The page of a mini program, as WeChat names it to servers. */
const REFERER = /^https:\/\/servicewechat\.com\/([^/]+)\/([^/]+)\//

/** Says what each header is, takes apart what this package knows, and cuts the secrets. */
export function decodeHeaders(headers: Pairs, prefix: string, mask: Mask): HeaderView[] {
  return headers.map(([name, value]) => decode(name, value, meaningOf(name, prefix), mask))
}

/** The meaning of a header by its name. */
export function meaningOf(name: string, prefix: string): HeaderMeaning | undefined {
  const key = name.toLowerCase()
  for (const start of [prefix.toLowerCase(), 'weapp-', 'x-wx-']) {
    const field = key.startsWith(start) ? FIELDS[key.slice(start.length)] : undefined
    if (field) return field
  }
  return PLATFORM.test(key) ? 'platform' : OTHERS[key]
}

/** rawData as it was signed: its header is percent-encoded. */
export function decodeRawData(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function decode(name: string, value: string, meaning: HeaderMeaning | undefined, mask: Mask): HeaderView {
  switch (meaning) {
    case 'rawData':
      return { name, value: decodeRawData(value), meaning, parts: fieldsOf(decodeRawData(value)) }
    case 'signature':
    case 'code':
      return { name, value: mask(value), meaning }
    case 'encryptedData':
      return { name, value: mask(value), meaning, parts: [['bytes', `${bytesOf(value)}`]] }
    case 'iv':
      return { name, value: mask(value), meaning, parts: [['bytes', `${bytesOf(value)}`]] }
    case 'session':
      return { name, value: mask(value), meaning, ...withParts(signedId(value, mask)) }
    case 'token':
      return { name, value: mask(value), meaning, ...withParts(claimsOf(value, mask)) }
    case 'bearer': {
      const [scheme = '', token = ''] = value.split(' ', 2)
      return { name, value: `${scheme} ${mask(token)}`, meaning, ...withParts(claimsOf(token, mask)) }
    }
    case 'cookie':
      return { name, value: maskedCookies(value, mask), meaning, ...withParts(signedCookies(value, mask)) }
    case 'referer': {
      const [, appId, version] = REFERER.exec(value) ?? []
      if (!appId || !version) return { name, value }
      return {
        name,
        value,
        meaning,
        parts: [
          ['appId', appId],
          ['version', version],
        ],
      }
    }
    default: {
      const id = signedId(value, mask)
      if (id) return { name, value: mask(value), meaning: 'session', parts: id }
      return { name, value, ...(meaning && { meaning }) }
    }
  }
}

function withParts(parts: HeaderView['parts']): Pick<HeaderView, 'parts'> {
  return parts ? { parts } : {}
}

function signedId(value: string, mask: Mask): HeaderView['parts'] {
  const [, id, signature] = SIGNED_ID.exec(value) ?? []
  return id && signature
    ? [
        ['id', mask(id)],
        ['signature', mask(signature)],
      ]
    : undefined
}

/** Its times are read by people; its id is a secret. */
function claimsOf(token: string, mask: Mask): HeaderView['parts'] {
  const [, head = '', body = ''] = JWT.exec(token) ?? []
  const [header, claims] = [head, body].map((part) =>
    parseObject(Buffer.from(part, 'base64url').toString('utf8')),
  )
  if (!header || !claims) return undefined
  return Object.entries({ ...header, ...claims }).map(([name, value]) => {
    if (name === 'jti') return [name, mask(String(value))]
    if (['iat', 'exp', 'nbf', 'auth_time'].includes(name) && typeof value === 'number')
      return [name, `${value} (${new Date(value * 1000).toISOString()})`]
    return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]
  })
}

function fieldsOf(rawData: string): [string, string][] {
  return Object.entries(parseObject(rawData) ?? {}).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
}

/** Each value of `name=value; …`: an attribute of `Set-Cookie` is no secret. */
function maskedCookies(line: string, mask: Mask): string {
  return line.replace(/(^|;\s*)([^=;]+)=([^;]*)/g, (all, start: string, name: string, value: string) =>
    ATTRIBUTES.test(name) ? all : `${start}${name}=${mask(value)}`,
  )
}

const ATTRIBUTES = /^(path|domain|expires|max-age|samesite|priority)$/i

function signedCookies(line: string, mask: Mask): HeaderView['parts'] {
  const found = Array.from(line.matchAll(/(?:^|;)\s*([^=;]+)="?([^;"]*)/g)).flatMap(
    ([, name = '', value = '']) => {
      const [id, signature] = signedId(value, mask) ?? []
      return id && signature
        ? [
            [`${name}: id`, id[1]] as [string, string],
            [`${name}: signature`, signature[1]] as [string, string],
          ]
        : []
    },
  )
  return found.length > 0 ? found : undefined
}

function bytesOf(base64: string): number {
  return Buffer.from(base64, 'base64').length
}

/** The rawData of a login, and its signature, from wherever they came. */
export function signedDataOf(
  headers: Pairs,
  body: string | undefined,
  prefix: string,
): { rawData: string; signature: string } | undefined {
  const given = (wanted: HeaderMeaning) =>
    headers.find(([name]) => meaningOf(name, prefix) === wanted)?.[1] ?? ''
  const encoded = given('rawData')
  if (encoded) return { rawData: decodeRawData(encoded), signature: given('signature') }
  const fields = body === undefined ? undefined : parseObject(body)
  const [rawData, signature] = [fields?.rawData, fields?.signature]
  return typeof rawData === 'string' && typeof signature === 'string' ? { rawData, signature } : undefined
}
