/** The checks of the options of weappSession(): each by the use that is made of it, at start-up. */
import type { Carrier, SessionCarrier } from './carriers/carrier.js'
import type { Trust, TrustedSource } from './carriers/cloud-run.js'
import type { SessionStore } from './stores/store.js'
import { checkBoolean, isWhole, optionError, shown } from './util/option-error.js'
import { LIFETIME_MAX, warnOfMilliseconds } from './util/units.js'
import { warn } from './util/warn.js'

/** Where both come from in most programs, and why they are missing. */
const FROM_ENV = '; if it comes from an environment variable, that one is not set'

interface Credentials {
  appId?: string | undefined
  appSecret?: string | undefined
  apps?: Record<string, string | undefined>
}

/** The appSecret of each mini program, by its appId. */
export function checkedApps({ appId, appSecret, apps }: Credentials): Record<string, string> {
  if (apps === undefined) {
    if (!isText(appId))
      throw optionError(
        `appId is missing: copy it from the mini program console (it begins with wx)${FROM_ENV}`,
      )
    if (!isText(appSecret))
      throw optionError(`appSecret is missing: copy it from the mini program console${FROM_ENV}`)
    warnOfCredentials(appId, appSecret)
    return { [appId]: appSecret }
  }
  if (appId !== undefined || appSecret !== undefined)
    throw optionError('give either appId and appSecret, or apps', 'apps')
  const entries: [string, unknown][] = typeof apps === 'object' && apps ? Object.entries(apps) : []
  if (entries.length === 0 || !entries.every((entry) => entry.every(isText))) {
    throw optionError('apps must have the appSecret of each mini program, by its appId')
  }
  for (const [appId, appSecret] of entries) warnOfCredentials(appId, appSecret as string)
  return Object.fromEntries(entries) as Record<string, string>
}

/** What WeChat gives: appIds of 18 characters, and secrets of 32 hex digits. */
const APP_ID = /^wx[\da-f]{16}$/i
const APP_SECRET = /^[\da-f]{32}$/i

/** Neither is printed: the one may be the other. */
function warnOfCredentials(appId: string, appSecret: string): void {
  if (!APP_SECRET.test(appId) && !APP_ID.test(appSecret)) return
  warn(
    'WEAPP_CREDENTIALS',
    'appId and appSecret seem to be swapped: an appId begins with wx and has 18 characters, an appSecret is 32 hex digits. ' +
      'WeChat will refuse every login (40013) until they are put right.',
  )
}

/** Seconds. */
export function checkLives({ ttl, maxAge, isMaxAgeGiven }: Lives): void {
  if (!isWhole(ttl, LIFETIME_MAX)) {
    throw optionError(`ttl must be whole seconds, from 1 up to ten years, such as 7200: it is ${shown(ttl)}`)
  }
  if (!isWhole(maxAge, LIFETIME_MAX) || maxAge < ttl) {
    throw optionError(
      `maxAge must be whole seconds, from ttl (${ttl}) up to ten years: it is ${shown(maxAge)}`,
    )
  }
  warnOfMilliseconds('ttl', ttl)
  if (isMaxAgeGiven) warnOfMilliseconds('maxAge', maxAge)
}

interface Lives {
  ttl: number
  maxAge: number
  isMaxAgeGiven: boolean
}

export function checkLimits({ maxSessionsPerUser, timeout, concurrency }: Limits): void {
  if (!isWhole(maxSessionsPerUser, 1000))
    throw optionError(
      `maxSessionsPerUser must be a whole number from 1 to 1000: it is ${shown(maxSessionsPerUser)}`,
    )
  if (!isWhole(timeout, 60_000))
    throw optionError(`wechat.timeout must be whole ms, from 1 to 60000: it is ${shown(timeout)}`)
  if (!isWhole(concurrency, 10_000))
    throw optionError(
      `wechat.concurrency must be a whole number from 1 to 10000: it is ${shown(concurrency)}`,
    )
}

interface Limits {
  maxSessionsPerUser: number
  timeout: number
  concurrency: number
}

/** Koa's `ctx.path` is what it is compared with: percent-encoded, and without what follows a question mark. */
export function checkPath(name: string, path: string | undefined): void {
  if (path === undefined) return
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw optionError(`${name} must be a path that begins with '/'`)
  if (/[?#]/.test(path))
    throw optionError(`${name} must be a path alone, such as '/login', without a query or a hash`)
  if (/[^!-~]/.test(path))
    throw optionError(`${name} must be percent-encoded, as it is in a request: encodeURI(path)`)
}

export function checkAll(type: 'function' | 'boolean', values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (type === 'boolean') checkBoolean(name, value)
    else if (typeof value !== type) throw optionError(`${name} must be a function: it is ${shown(value)}`)
  }
}

export function checkHeaders(headers: string): void {
  if (typeof headers !== 'string' || !/^[a-z\d-]*-$/i.test(headers) || /^x-wx-/i.test(headers))
    throw optionError(
      "headers must be the prefix of header names, such as 'Weapp-' (letters, digits and hyphens, a hyphen at the end), " +
        "and not begin with 'X-WX-', which WeChat's gateway drops",
    )
}

/** The parts that functions of this package make, and nobody else. */
export function checkMade(
  carrier: Carrier,
  trust: Trust | undefined,
): { carrier: SessionCarrier; trust: TrustedSource | undefined } {
  if (!isSessionCarrier(carrier))
    throw optionError(
      'carrier must be made by codeCarrier(), headerCarrier(), cookieCarrier() or jwtCarrier()',
    )
  if (trust !== undefined && !isTrustedSource(trust)) throw optionError('trust must be made by cloudRun()')
  return { carrier, trust }
}

function isSessionCarrier(carrier: Carrier): carrier is SessionCarrier {
  return typeof (carrier as Partial<SessionCarrier> | null)?.read === 'function'
}

function isTrustedSource(trust: Trust): trust is TrustedSource {
  return typeof (trust as Partial<TrustedSource> | null)?.read === 'function'
}

const STORE_METHODS = [
  'read',
  'claim',
  'refuse',
  'create',
  'update',
  'renew',
  'take',
  'confirm',
  'putBack',
  'end',
  'list',
  'revoke',
] as const

/** Refuses a store that lacks methods. */
export function checkStore(store: SessionStore): void {
  if (typeof (store as { sendCommand?: unknown })?.sendCommand === 'function')
    throw optionError('store is a client of Redis: put it into a store, redisStore({ client })')
  const missing = STORE_METHODS.filter((method) => typeof store?.[method] !== 'function')
  if (missing.length > 0)
    throw optionError(
      `store lacks ${missing.join(', ')}: add what is missing (see docs/stores.md), or use memoryStore(), ` +
        'redisStore(), or fromExpressStore() around a store of express-session',
    )
  const { timeout = 0 } = store
  if (!Number.isFinite(timeout) || timeout < 0) throw optionError('store.timeout must be a number of ms')
}

/** The address, as calls are made with it. Warns of one over which all that WeChat says can be read, and changed. */
export function checkedBaseUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw optionError('wechat.baseUrl must be an http(s) URL without a query')
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    warn(
      'WEAPP_BASE_URL',
      `wechat.baseUrl is http://${url.host}: the appSecret, codes and session_keys are sent in clear, and whoever answers ` +
        'in its place says who the user is. Use https:.',
    )
  }
  return url.href.replace(/\/+$/, '')
}

function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== ''
}
