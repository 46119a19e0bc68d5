/** What the tests of lessons-*.test.ts for credentials share: one for each carrier, and a store that fails when it shall. */
import { generateKeyPairSync } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { SignJWT } from 'jose'
import type { Context } from 'koa'
import type { Response } from 'supertest'
import {
  type Carrier,
  cookieCarrier,
  headerCarrier,
  memoryStore,
  type SessionStore,
} from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { type CountingStore, countingStore, type StoreMethod } from './counting-store.js'
import { isForgotten, isRefused, startServer, type TestServer, type TestServerOptions } from './server.js'
import { KEY, kept, type Visitor, visitor } from './visitor.js'
import { newCode } from './wechat.js'

/** Those whose credential the server makes. */
export const CARRIERS = {
  header: () => headerCarrier({ keys: KEY }),
  'header, anonymous': () => headerCarrier({ keys: KEY, anonymous: true }),
  cookie: () => cookieCarrier({ keys: KEY }),
  'cookie, anonymous': () => cookieCarrier({ keys: KEY, anonymous: true }),
  // So that no look at the store happens behind the back of a test.
  jwt: () => jwtCarrier({ keys: KEY, staleness: 600 }),
} satisfies Record<string, () => Carrier>

export type Name = keyof typeof CARRIERS

export const ALL = Object.keys(CARRIERS) as Name[]
export const ANONYMOUS = ['header, anonymous', 'cookie, anonymous'] as const

/** The machine is busy with other tests: ms for an exchange. */
export const PATIENT = { wechat: { timeout: 30_000 } }

/** One test for each carrier. */
export function forEach(
  names: readonly Name[],
  what: string,
  check: (t: ExecutionContext, name: Name) => Promise<void>,
): void {
  for (const name of names) test(`${what} (${name})`, (t) => check(t, name))
}

export const APP = { appId: 'wx0123456789abcdef', appSecret: 'secret' }

export interface Started {
  server: TestServer & { calls(): number }
  alice: Visitor
  login: Response
  store: FaultyStore
}

export interface StartOptions extends TestServerOptions {
  gate?: Gate
  /** Where alice logs in. */
  path?: string
}

/** A server with this carrier, and alice, who has logged in there. */
export async function start(t: ExecutionContext, name: Name, options: StartOptions = {}): Promise<Started> {
  const {
    gate = makeGate(),
    path,
    store: inner = memoryStore(),
    handler = serveWith(gate),
    ...rest
  } = options
  const store = faulty(inner)
  let calls = 0
  const counted = async (ctx: Context) => {
    calls++
    await handler(ctx, async () => {})
  }
  const server = await startServer(t, {
    ...PATIENT,
    carrier: CARRIERS[name](),
    store,
    handler: counted,
    ...rest,
  })
  const phone = server.wechat.phone('alice')
  const login = await server.send({ 'X-WX-Code': await newCode(phone), 'X-WX-Login': 'code' }, path)
  t.is(login.status, 200)
  const alice = visitor(server, phone)
  alice.headers = kept(login)
  return { server: { ...server, calls: () => calls }, alice, login, store }
}

/** A server where nobody has logged in yet, whose store counts what it is asked. */
export async function startCounting(
  t: ExecutionContext,
  name: Name,
): Promise<{ server: TestServer; store: CountingStore }> {
  const store = countingStore(memoryStore())
  const server = await startServer(t, {
    ...PATIENT,
    carrier: CARRIERS[name](),
    store,
    handler: serveWith(makeGate()),
  })
  return { server, store }
}

export interface Gate {
  readonly waiting: number
  open(): void
  pass(): Promise<void>
}

/** Keeps handlers waiting until it is opened. */
export function makeGate(): Gate {
  let open = () => {}
  let waiting = 0
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return {
    get waiting() {
      return waiting
    },
    open: () => open(),
    async pass() {
      waiting++
      await opened
    },
  }
}

export function serveWith(gate: Gate): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    const { path, query, $wxSession: session } = ctx
    const { wait, rotate, logout, put, fail, ...fields } = query
    if (path === '/throw') throw new Error('of the handler')
    if (path !== '/who') await session?.load()
    if (path === '/put' || path === '/rotate') Object.assign(session?.data ?? {}, fields)
    if (put && session) session.data.put = put
    if (wait) await gate.pass()
    if (path === '/rotate' || rotate) await session?.rotate()
    if (fail) throw new Error('of the handler')
    const data = path === '/who' ? undefined : session?.data
    if (path === '/logout' || logout) await session?.destroy()
    if (path === '/cached') ctx.set('Cache-Control', 'public, max-age=3600')
    ctx.body = { user: ctx.$wxUserInfo, hasSession: session !== null, data }
  }
}

/** Needs no store. */
export function who(ctx: Context): void {
  ctx.body = { user: ctx.$wxUserInfo }
}

export interface FaultyStore extends SessionStore {
  /** Whether every call fails. */
  isAway: boolean
  /** The next call of a method fails. */
  fail(method: StoreMethod, message?: string): void
}

export function faulty(inner: SessionStore): FaultyStore {
  const failures = new Map<string, string>()
  const store: FaultyStore = {
    ...inner,
    // As one in another process: a store in this one is asked more often.
    timeout: inner.timeout || 250,
    isAway: false,
    fail: (method, message = 'the store has failed') => void failures.set(method, message),
  }
  for (const [name, method] of Object.entries(inner)) {
    if (typeof method !== 'function' || name === 'close') continue
    const call = async (...args: unknown[]) => {
      const message = failures.get(name) ?? (store.isAway ? 'the store is away' : undefined)
      failures.delete(name)
      if (message !== undefined) throw new Error(message)
      return (method as (...args: unknown[]) => unknown).apply(inner, args)
    }
    Object.assign(store, { [name]: call })
  }
  return store
}

/** The credential alone, without what it is sent in. */
export function credentialOf(headers: Record<string, string>): string {
  const { 'X-WX-Session': session, Authorization: token, Cookie: cookie } = headers
  return session ?? token?.replace('Bearer ', '') ?? cookie?.replace('__Host-wx-session=', '') ?? ''
}

export function asCredential(name: Name, credential: string): Record<string, string> {
  if (name === 'jwt') return { Authorization: `Bearer ${credential}` }
  return name.startsWith('cookie')
    ? { Cookie: `__Host-wx-session=${credential}` }
    : { 'X-WX-Session': credential }
}

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

export function inHeaders({
  encryptedData,
  iv,
}: {
  encryptedData: string
  iv: string
}): Record<string, string> {
  return { 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }
}

export function watermarkOf(appid: string, seconds = 0): { appid: string; timestamp: number } {
  return { appid, timestamp: Math.floor(Date.now() / 1000) + seconds }
}

/** Asserts that a credential is no good: refused; or forgotten, where whoever sends it cannot log in. */
export function isOver(t: ExecutionContext, response: Response, name: Name): void {
  if (name === 'cookie, anonymous') isForgotten(t, response)
  else isRefused(t, response, 'ERR_SESSION_EXPIRED', 401)
}

/** As the guard answers in a handler: with what the handler adds. */
export function isRefusedBody(t: ExecutionContext, response: Response, reason: string): void {
  t.is(response.status, 401)
  t.is(response.get('X-WX-Session-Error'), reason)
}

export function print(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

export function parse(text: string): unknown {
  return JSON.parse(Buffer.from(text, 'base64url').toString())
}

/** A token that brings the key it is signed with (`jwk`, `jku`), and hopes to be believed. */
export async function selfSigned(header: object, claims: object): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>
  return new SignJWT({ ...claims })
    .setProtectedHeader({ ...header, alg: 'EdDSA', jwk, jku: 'https://example.com/keys' } as { alg: string })
    .sign(privateKey)
}
