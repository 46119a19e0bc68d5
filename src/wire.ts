import type { IncomingHttpHeaders } from 'node:http'
import { WeappSessionError } from './errors.js'
import { type HeaderNames, headerNames, PREFIX, PREFIX_2016 } from './protocol.js'

/** The header names that a request speaks: `Weapp-…`, `X-WX-…`, or none of them, as one with a cookie or a token does. */
export interface Wire {
  /** The names in lower case, as Node has them; those of `Weapp-…` where the request speaks none. */
  readonly keys: HeaderNames
  /** The names for the answer: those of the request, or both families. */
  readonly names: readonly HeaderNames[]
  /** The names that the answer must not speak. */
  readonly foreign: readonly HeaderNames[]
  /** Whether the request wants to log in. */
  readonly isLogin: boolean
}

/**
 * The headers of answers that a web page of another origin must be allowed to read: for `Access-Control-Expose-Headers`.
 *
 * @example
 * app.use(cors({ origin: 'https://www.example.com', exposeHeaders: [...exposedHeaders] }))
 */
export const exposedHeaders: readonly string[] = [
  'Retry-After',
  ...[PREFIX, PREFIX_2016]
    .map(headerNames)
    .flatMap(({ login, session, token, error }) => [login, session, token, error]),
]

/** What makes a request somebody's: its credential, or its login. */
const FIELDS = ['session', 'code', 'login', 'rawData', 'signature', 'encryptedData', 'iv'] as const

/**
 * Finds out which names a request speaks. Where both families are there, one has to say the same as the other, or less:
 * else whoever stands between could add a second credential.
 *
 * @param prefix of the newer family; that of 2016 is always understood
 * @returns a function that throws ERR_BAD_REQUEST for a request that contradicts itself
 */
export function createWireReader(prefix: string = PREFIX): (headers: IncomingHttpHeaders) => Wire {
  const families = [headerNames(prefix), headerNames(PREFIX_2016)].map((names) => {
    const keys = inLowerCase(names)
    return { names, keys, fields: FIELDS.map((field) => keys[field]) }
  })
  const [first] = families as [Family]
  const all = families.map(({ names }) => names)
  const none: Wire = { keys: first.keys, names: all, foreign: [], isLogin: false }
  // Made once: every request gets one of these.
  const wires = families.map(({ names, keys }) => {
    const common = { keys, names: [names], foreign: all.filter((other) => other !== names) }
    return { session: { ...common, isLogin: false }, login: { ...common, isLogin: true } }
  })

  return function readWire(headers) {
    let spoken = -1
    let index = -1
    for (const family of families) {
      index++
      if (!isSpoken(headers, family)) continue
      const other = families[spoken]
      if (!other || isPartOf(headers, other, family)) spoken = index
      else if (!isPartOf(headers, family, other)) throw contradiction(other, family)
    }
    const wire = wires[spoken]
    if (!wire) return none
    const { keys } = wire.session
    // rawData without a code claims nothing, as in the original.
    const isLogin = headers[keys.login] !== undefined || (headers[keys.rawData] && headers[keys.code])
    return isLogin ? wire.login : wire.session
  }
}

interface Family {
  names: HeaderNames
  keys: HeaderNames
  /** The keys of {@link FIELDS}. */
  fields: string[]
}

/** A loop, because each request comes here twice. Some gateways send empty headers for those that are not there. */
function isSpoken(headers: IncomingHttpHeaders, { fields }: Family): boolean {
  for (const field of fields) if (headers[field]) return true
  return false
}

function inLowerCase(names: HeaderNames): HeaderNames {
  const pairs = Object.entries(names).map(([field, name]: [string, string]) => [field, name.toLowerCase()])
  return Object.fromEntries(pairs) as HeaderNames
}

function isPartOf(headers: IncomingHttpHeaders, part: Family, whole: Family): boolean {
  return FIELDS.every((field) => {
    const value = headers[part.keys[field]]
    return !value || value === headers[whole.keys[field]]
  })
}

function contradiction({ names: one }: Family, { names: other }: Family): WeappSessionError {
  const message = `${one.code}, ${one.login} or ${one.session} contradicts its twin ${other.code}, ${other.login} or ${other.session}: send one family of headers.`
  return new WeappSessionError('ERR_BAD_REQUEST', { message })
}
