import { createHash, createPublicKey, createSecretKey, KeyObject } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Carrier, SessionCarrier } from '../carriers/carrier.js'
import { checkedKeys } from '../crypto/key-ring.js'
import { WeappSessionError } from '../errors.js'
import { checkOptions, isWhole, optionError, shown } from '../util/option-error.js'
import { LIFETIME_MAX, warnOfMilliseconds } from '../util/units.js'
import { type Profile, userOf } from '../wechat/user-info.js'
import type { Wire } from '../wire.js'
import { type PresentedToken, withRevocationCache } from './revocation-cache.js'

/**
 * A secret of 32 bytes or more (HS256); or a private key of Node's `crypto`, Ed25519 (EdDSA) or P-256 (ES256). A
 * public key only verifies: for servers that know users and log nobody in.
 */
export type JwtKey = string | Uint8Array | KeyObject

/** Options of {@link jwtCarrier}. */
export interface JwtCarrierOptions {
  /** The newest first: it signs, and each verifies what names it (`kid`). */
  keys: JwtKey | undefined | (JwtKey | undefined)[]
  /** Seconds that a token lives; a new one comes in a response before that. Default 900. */
  expiresIn?: number
  /**
   * Seconds that a token is believed without a lookup in the store. The first request after them starts the lookup.
   * It is served, and so are all others until the store answers; then a token whose session has ended in another
   * process is refused. While the store is away: until the token ends. A store in this process is asked each time.
   * Default 10.
   */
  staleness?: number
}

interface Key {
  kid: string
  alg: 'HS256' | 'EdDSA' | 'ES256'
  sign: KeyObject | undefined
  verify: KeyObject
}

/**
 * What a token says: for other services, which verify it by themselves, with `typ` `wx-session+jwt` and the appId as its
 * audience.
 *
 * @example
 * import { jwtVerify } from 'jose'
 *
 * const openIdOf = async (token: string, secret: Uint8Array) => {
 *   const expected = { typ: 'wx-session+jwt', audience: appId }
 *   const { payload } = await jwtVerify<TokenClaims>(token, secret, expected)
 *   return payload.sub
 * }
 */
export interface TokenClaims {
  /** The openId. */
  sub: string
  /** The appId. */
  aud: string
  /** Names the session. */
  jti: string
  /** Unix s: when the token ends. */
  exp: number
  /** Unix s. */
  iat: number
  unionId?: string
  profile?: Profile
  /** Unix ms: when the session began. */
  created: number
  /** Unix ms: when the session ends. */
  expires: number
}

const HOUR = 3600
const DAY = 24 * HOUR

/** Tells our tokens from all others (RFC 8725, 3.11). */
const TYPE = 'wx-session+jwt'

/** Tokens that were verified lately. */
const SEEN_MAX = 20_000

/** Characters of the whole header: what one header of nginx may have. Ours are shorter. */
const HEADER_MAX = 8192

/** A token whose signature was good. */
interface Token {
  text: string
  appId: string
  /** Unix ms: from then on, the client gets another one. */
  renewal: number
  /** Unix ms: from then on, only the store says whose it is. */
  end: number
  /** What requests with it present: before `renewal`, before `end`, and after it. */
  fresh: PresentedToken
  old: PresentedToken
  over: PresentedToken
}

/** Bytes of a profile in a token; WeChat's have some 300. */
const PROFILE_MAX = 2048

const BEARER = /^Bearer +([\w-]+\.[\w-]+\.[\w-]*)$/i

/**
 * A signed token (RFC 7519) is the credential, and says itself who the user is: `ctx.$wxUserInfo` needs no store.
 * `ctx.$wxSession.data` does: `await ctx.$wxSession.load()` first. Given in the header `Weapp-Token` of the
 * answer at login (`X-WX-Token` for who speaks so), and again before it ends; carried by requests as `Authorization:
 * Bearer`. Tokens of others are nobody's. One that has ended is looked up: as long as its session lives, it is replaced.
 *
 * Claims: `sub` the openId, `aud` the appId, `jti` the session, `iat`, `exp`; `unionId`, `profile`, and when the
 * session began and ends (`created`, `expires`, Unix ms).
 *
 * @throws {TypeError} when a key is too short or of another kind, or an option makes no sense
 *
 * @example
 * weappSession({ appId, appSecret, carrier: jwtCarrier({ keys: [process.env.SESSION_KEY] }) })
 */
export function jwtCarrier(options: JwtCarrierOptions): Carrier {
  checkOptions('jwtCarrier', options, ['keys', 'expiresIn', 'staleness'])
  const { keys, expiresIn = 900, staleness = 10 } = options
  for (const [name, value] of Object.entries({ expiresIn, staleness })) {
    if (!isWhole(value, LIFETIME_MAX))
      throw optionError(
        `jwtCarrier({ ${name} }) must be whole seconds, from 1 up to ten years: it is ${shown(value)}`,
      )
  }
  warnOfMilliseconds('expiresIn', expiresIn, { from: 3 * DAY, step: 300_000 })
  warnOfMilliseconds('staleness', staleness, { from: HOUR, step: 5000 })
  const ring = keysOf(keys)
  const signing = ring.find(isSigningKey)
  /** By their signature: to hash the whole header costs more than all that is done with it. */
  const seen = new LRUCache<string, Token>({ max: SEEN_MAX })

  const carrier: SessionCarrier = {
    kind: 'jwt',
    credential: 'issued',
    read,
    // With public keys alone, tokens are only verified: who has signed them renews them.
    ...(signing && { issue: issueWith(signing, expiresIn), hasExpiry: true }),
    decorate: (sessions, tools) => withRevocationCache(sessions, tools, staleness * 1000),
  }
  return carrier

  function read({ headers: { authorization } }: IncomingMessage, _: Wire, appId: string) {
    if (!authorization) return undefined
    // `peek()` leaves the order of use as it is, which is faster: the oldest make room.
    const known = seen.peek(signatureOf(authorization))
    if (known && isSame(known, authorization) && known.appId === appId) return presented(known)
    return isOurs(authorization) ? verify(authorization, appId) : undefined
  }

  async function verify(authorization: string, appId: string): Promise<PresentedToken> {
    const [, token = ''] = BEARER.exec(authorization) ?? []
    const claims = await verified(token, appId).catch(() => undefined)
    if (!claims) throw new WeappSessionError('ERR_SESSION_EXPIRED')
    const known = tokenOf(token, claims, signing !== undefined)
    seen.set(signatureOf(authorization), known)
    return presented(known)
  }

  async function verified(token: string, appId: string): Promise<TokenClaims | undefined> {
    const { kid } = decodeProtectedHeader(token)
    const key = ring.find((key) => key.kid === kid)
    if (!key) return undefined
    // The key says which algorithm, never the token.
    const pinned = {
      algorithms: [key.alg],
      typ: TYPE,
      audience: appId,
      requiredClaims: ['sub', 'jti', 'exp', 'iat'],
    }
    const payload = await jwtVerify(token, key.verify, pinned).then(
      (result) => result.payload,
      (error: unknown) => {
        // All else about it is good, and its session may live: the store says.
        if (error instanceof errors.JWTExpired) return error.payload
        throw error
      },
    )
    return payload as unknown as TokenClaims
  }
}

type SigningKey = Key & { sign: KeyObject }

function isSigningKey(key: Key): key is SigningKey {
  return key.sign !== undefined
}

function issueWith({ alg, kid, sign }: SigningKey, expiresIn: number): NonNullable<SessionCarrier['issue']> {
  return async function issue({ credential, appId, user, created, expires }) {
    if (!user) throw new TypeError('koa-weapp-session: a token names a user')
    const { appId: _, openId, unionId, ...profile } = user
    const about = { ...(unionId && { unionId }), created, expires }
    // What is longer has no place in a header: the session has it.
    const isShort = Buffer.byteLength(JSON.stringify(profile)) <= PROFILE_MAX
    const exp = Math.min(Math.floor(Date.now() / 1000) + expiresIn, Math.ceil(expires / 1000))
    const token = await new SignJWT({ ...about, ...(isShort && { profile }) })
      .setProtectedHeader({ alg, kid, typ: TYPE })
      .setSubject(openId)
      .setAudience(appId)
      .setJti(credential)
      .setIssuedAt()
      .setExpirationTime(exp)
      .sign(sign)
    return {
      put(response, names) {
        for (const each of names) response.setHeader(each.token, token)
      },
      field: { token },
    }
  }
}

/** Whether a header says that it has a token of this kind, whoever signed it. */
function isOurs(authorization: string): boolean {
  const [, token] = authorization.length > HEADER_MAX ? [] : (BEARER.exec(authorization) ?? [])
  try {
    return token !== undefined && decodeProtectedHeader(token).typ === TYPE
  } catch {
    return false
  }
}

/** What a token says, found out once: all of its requests get the same three objects. */
function tokenOf(text: string, claims: TokenClaims, isRenewable: boolean): Token {
  const { aud: appId, sub, jti: credential, iat, exp, unionId, profile, created, expires } = claims
  const user = userOf({ appId, openId: sub, unionId }, profile)
  const fresh = { credential, claims: { user, created, expires }, isOver: false }
  const old = { ...fresh, shouldReissue: isRenewable }
  // One that lasts as long as its session has no successor, unless the session is renewed.
  const renewal = exp * 1000 < expires ? ((iat + exp) / 2) * 1000 : Number.POSITIVE_INFINITY
  const end = Math.min(exp * 1000, expires)
  return { text, appId, renewal, end, fresh, old, over: { ...old, isOver: true } }
}

/** However many spaces stand before it: each spelling would be verified, and looked up, by itself. */
function isSame({ text }: Token, authorization: string): boolean {
  return authorization.endsWith(text) && /^Bearer +$/i.test(authorization.slice(0, -text.length))
}

function signatureOf(authorization: string): string {
  return authorization.slice(authorization.lastIndexOf('.') + 1)
}

function presented({ renewal, end, fresh, old, over }: Token): PresentedToken {
  const now = Date.now()
  if (now >= end) return over
  return now > renewal ? old : fresh
}

function keysOf(given: JwtCarrierOptions['keys']): Key[] {
  const keys = (Array.isArray(given) ? given : [given]).map(keyOf)
  if (keys.length === 0) throw optionError('jwtCarrier() needs keys')
  return keys
}

function keyOf(given: JwtKey | undefined): Key {
  if (!(given instanceof KeyObject))
    return keyOf(createSecretKey(Buffer.from(checkedKeys('jwtCarrier()', given)[0] as string)))
  if (given.type === 'secret') {
    checkedKeys('jwtCarrier()', given.export())
    return { kid: kidOf(given.export()), alg: 'HS256', sign: given, verify: given }
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = given
  const alg = type === 'ed25519' ? 'EdDSA' : details?.namedCurve === 'prime256v1' ? 'ES256' : undefined
  if (!alg) throw optionError('jwtCarrier() takes secrets, Ed25519 keys and P-256 keys')
  const verify = given.type === 'private' ? createPublicKey(given) : given
  const kid = kidOf(verify.export({ type: 'spki', format: 'der' }))
  return { kid, alg, sign: given.type === 'private' ? given : undefined, verify }
}

/** A name for a key that says nothing about it. */
function kidOf(bytes: Uint8Array): string {
  return createHash('sha256').update('koa-weapp-session kid\0').update(bytes).digest('base64url').slice(0, 12)
}
