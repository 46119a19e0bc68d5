/** What holds in every framework: the cases, each for both families of header names. */
import type { ExecutionContext } from 'ava'
import { MAGIC_ID } from '../../src/protocol.js'
import { newCode } from '../support/wechat.js'
import type { Answer, App } from './support/app.js'

/** The prefixes of the header names. */
export const FAMILIES = ['Weapp-', 'X-WX-'] as const

export type Family = (typeof FAMILIES)[number]

export interface Case {
  title: string
  run(t: ExecutionContext, app: App, family: Family): Promise<void>
}

/** What a route answers a login with, beside what the login brings. */
interface Route {
  title: string
  path: string
  status: number
  accept?: string
  check?(t: ExecutionContext, login: Login): void
}

const ROUTES: Route[] = [
  {
    title: 'answers',
    path: '/me',
    status: 200,
    check: (t, { answer, openId }) => hasUser(t, answer, openId),
  },
  {
    title: 'needs a user',
    path: '/members',
    status: 200,
    check: (t, { answer, openId }) => hasUser(t, answer, openId),
  },
  ...['text/html', 'text/plain', 'application/json'].map((accept) => ({
    title: `throws, for who accepts ${accept}`,
    path: '/throws',
    status: 500,
    accept,
  })),
  { title: 'throws 404', path: '/not-found', status: 404 },
  { title: 'is not there', path: '/no/such/route', status: 404 },
  {
    title: 'redirects',
    path: '/redirects',
    status: 302,
    check: (t, { answer }) => t.is(answer.headers.get('Location'), '/me'),
  },
  { title: 'streams', path: '/streams', status: 200, check: (t, { answer }) => t.is(answer.text, 'one two') },
  {
    title: 'sets a cookie of its own',
    path: '/own-cookie',
    status: 200,
    check(t, { answer, openId }) {
      hasUser(t, answer, openId)
      hasOwnCookie(t, answer)
    },
  },
  ...['by-hand', 'by-hand-from-a-list'].map((name) => ({
    title: `answers ${name.replaceAll('-', ' ')}`,
    path: `/${name}`,
    status: 200,
    check(t: ExecutionContext, { answer }: Login) {
      t.is(answer.text, 'by hand')
      hasOwnCookie(t, answer)
    },
  })),
]

export const CASES: Case[] = [
  ...ROUTES.map(({ title, path, status, accept = '*/*', check }) => ({
    title: `a login on a route that ${title}`,
    async run(t: ExecutionContext, app: App, family: Family) {
      const login = await logIn(app, family, path, { headers: { Accept: accept } })

      t.is(login.answer.status, status)
      await isLoggedIn(t, login)
      check?.(t, login)
    },
  })),
  {
    title: 'a login on a route that is refused something',
    async run(t, app, family) {
      const login = await logIn(app, family, '/refused')

      t.is(login.answer.status, 400)
      t.is(login.answer.headers.get(`${family}Session-Error`), 'ERR_UNTRUSTED_RAW_DATA')
      await isLoggedIn(t, login)
    },
  },
  {
    title: 'rotate(), and then the handler throws',
    async run(t, app, family) {
      const login = await logIn(app, family, '/me')
      const old = given(login)

      const rotated = await app.send('/rotates-and-throws', old)

      t.is(rotated.status, 500)
      if (app.carrier === 'code') return isUser(t, await app.send('/me', old), login.openId)
      const fresh = given({ ...login, answer: rotated })
      t.notDeepEqual(fresh, old)
      t.is(rotated.headers.get('Cache-Control'), 'no-store')
      isRefused(t, await app.send('/me', old), family, 'ERR_SESSION_EXPIRED')
      isUser(t, await app.send('/me', fresh), login.openId)
    },
  },
  {
    title: 'destroy(), and then the handler throws 410: later requests are refused',
    async run(t, app, family) {
      const login = await logIn(app, family, '/me')
      const credential = given(login)

      const gone = await app.send('/ends-and-is-gone', credential)
      const later = await app.send('/me', credential)

      t.is(gone.status, 410)
      isRefused(t, later, family, 'ERR_SESSION_EXPIRED')
      if (app.carrier === 'cookie')
        for (const { headers } of [gone, later]) t.regex(cookieIn(headers), /^[^=]+=;.*Max-Age=0/i)
      else t.deepEqual(offered({ ...login, answer: gone }), {})
    },
  },
  {
    title: 'a login that WeChat refuses',
    async run(t, app, family) {
      const headers = { [`${family}Code`]: 'unknown', [`${family}Login`]: 'code' }

      const answer = await app.send('/me', headers)

      isRefused(t, answer, family, 'ERR_SESSION_KEY_EXCHANGE_FAILED')
      t.is(answer.headers.get(`${family}Login`), null)
    },
  },
  {
    title: 'a request without a credential, where a user is needed',
    async run(t, app, family) {
      isRefused(t, await app.send('/members'), family, 'ERR_LOGIN_REQUIRED')
    },
  },
]

/** A login, with its answer. */
export interface Login {
  app: App
  family: Family
  answer: Answer
  code: string
  /** Whose it is. */
  openId: string
}

let users = 0

/** Logs in by a fresh code, each time somebody else: WeChat gives nobody more than a few codes a minute. */
export async function logIn(
  app: App,
  family: Family,
  path: string,
  { headers, method }: { headers?: Record<string, string>; method?: string } = {},
): Promise<Login> {
  const user = `user ${++users}`
  const code = await newCode(app.wechat.phone(user))
  const own = { [`${family}Code`]: code, [`${family}Login`]: 'code' }
  const answer = await app.send(path, { ...own, ...headers }, method)
  return { app, family, answer, code, openId: app.wechat.user(user).openId }
}

/** The answer says so, in the names of the request alone, and brings what the next request needs. */
export async function isLoggedIn(t: ExecutionContext, login: Login): Promise<void> {
  const { app, family, answer, openId } = login
  const [foreign] = FAMILIES.filter((other) => other !== family)
  t.is(answer.headers.get(`${family}Login`), 'accepted')
  t.is(answer.headers.get('Cache-Control'), 'no-store')
  for (const name of ['Login', 'Session', 'Token']) t.is(answer.headers.get(foreign + name), null)
  isUser(t, await app.send('/me', given(login)), openId)
}

export function isUser(t: ExecutionContext, answer: Answer, openId: string): void {
  t.is(answer.status, 200)
  hasUser(t, answer, openId)
}

function hasUser(t: ExecutionContext, { text }: Answer, openId: string): void {
  t.is(JSON.parse(text).user?.openId, openId)
}

function hasOwnCookie(t: ExecutionContext, { headers }: Answer): void {
  t.true(headers.getSetCookie().some((cookie) => cookie.startsWith('own=1')))
}

export function isRefused(
  t: ExecutionContext,
  answer: Answer,
  family: Family,
  reason: string,
  status = 401,
): void {
  t.is(answer.status, status)
  t.is(answer.headers.get(`${family}Session-Error`), reason)
  t.is(answer.headers.get('Cache-Control'), 'no-store')
  t.regex(answer.headers.get('Content-Type') ?? '', /^application\/json/)
  const body = JSON.parse(answer.text)
  t.is(body[MAGIC_ID], 1)
  t.is(body.reason, reason)
}

/** What the next request sends. */
export function given(login: Login): Record<string, string> {
  const { app, family, code } = login
  if (app.carrier === 'code') return { [`${family}Code`]: code }
  const credential = offered(login)
  if (Object.keys(credential).length === 0) throw new Error('the answer brings no credential')
  return credential
}

/** The credential in an answer. */
function offered({ app: { carrier }, family, answer: { headers } }: Login): Record<string, string> {
  const session = headers.get(`${family}Session`)
  const token = headers.get(`${family}Token`)
  const [cookie] = cookieIn(headers).split(';')
  if (carrier === 'header' && session) return { [`${family}Session`]: session }
  if (carrier === 'jwt' && token) return { Authorization: `Bearer ${token}` }
  if (carrier === 'cookie' && cookie) return { Cookie: cookie }
  return {}
}

/** The line that sets our cookie. */
function cookieIn(headers: Headers): string {
  return headers.getSetCookie().find((line) => /^(__Host-)?wx-session=/.test(line)) ?? ''
}
