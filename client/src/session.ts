import { PREFIX, PREFIX_2016 } from '../../src/protocol.js'
import { createAnswers } from './asking.js'
import { type Auth, createAuth } from './auth.js'
import { type Answers, type CallName, type EndCall, type Outgoing, startCall, type Target } from './call.js'
import type { Cookies } from './cookies.js'
import { downloadOf } from './downloads.js'
import { createEndings, type Endings } from './endings.js'
import { optionError, type SessionError } from './errors.js'
import type { createHint, Hint } from './hints.js'
import { createSender, readBody, type Sender, type WxOptions } from './requests.js'
import { isRepeatable } from './retry.js'
import type { Callbacks } from './settle.js'
import { socketOf } from './sockets.js'
import { createStorage, defaultKey } from './storage.js'
import type { Call, RequestOptions, Session, SessionOptions } from './types.js'
import { createOrigins, originOf, partsOf } from './urls.js'
import { A_MINUTE, isObject, orUndefined, runSafely } from './util.js'
import type { Header, Wx, WxResponse } from './wx.js'
import { createWxLogin } from './wx-login.js'

declare const wx: Wx | undefined

/** What there is from the first call on. */
interface Connection {
  auth: Auth
  sender: Sender
  endings: Endings
}

/** What not every program needs. */
export interface Extras {
  cookies: Cookies
  /** Makes what tells developers what a phone does not say. */
  hints: typeof createHint
  /** Gives the `wx` that is used. */
  wrap(wx: Wx, base?: string): Wx
}

const SESSION = /^(required|optional|none)$/

/** ms */
const LOGIN_TIMEOUT = 10_000
const LOGOUT_TIMEOUT = 3000

/**
 * The session itself. Its options were checked before.
 *
 * @throws {TypeError} when baseUrl or an origin is none, or missing; or loginPath or logoutPath at another origin
 */
export function createCore(options: SessionOptions, { cookies, hints, wrap }: Extras): Session {
  const {
    appId,
    baseUrl,
    loginPath,
    logoutPath,
    protocol,
    cloud,
    loginTimeout = LOGIN_TIMEOUT,
    deadline = A_MINUTE,
    storageKey,
  } = options
  const isTrusting = protocol === '2016'
  // A server of 2016 knows no other login.
  const profile = options.profile || (isTrusting ? 'userInfo' : 'none')
  // A container has no address. It gets one that nothing else has.
  const base = cloud ? `https://${cloud.env}` : baseUrl
  const { origin, path } = partsOf(`${base}`)
  const origins = createOrigins(base, options.origins)
  // A login there would never be a session here.
  for (const [name, path] of Object.entries({ loginPath, logoutPath }))
    if (path && !origins.isOurs(origins.resolve(path))) throw optionError(`see ${name}`)
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const running = new Set<EndCall>()
  const isForeign = protocol === 'cookies' || !!cloud
  /** With a path for logins, requests carry none. */
  const logInFirst = loginPath ? logIn : undefined
  let connection: Connection | undefined
  let hint: Hint | undefined
  const answers = createAnswers(
    (url, deadline) => call('request', { url, deadline }, undefined, logInFirst),
    (url) => loginPath || (baseFor(url) as string),
  )

  return {
    request: <Data>(options: RequestOptions<Data>) =>
      call<WxResponse<Data>>('request', options, undefined, logInFirst),
    uploadFile: (options) => call('uploadFile', options, undefined, logInFor(options)),
    downloadFile: (options) => call('downloadFile', options, downloadOf, logInFor(options)),
    connectSocket: (options) => call('connectSocket', options, socketOf, logInFor(options)),
    async login() {
      await logIn()
    },
    async logout() {
      const { auth, sender, endings } = connect()
      const credential = logoutPath && auth.current()
      // The calls of now. A call that the app makes because the user leaves belongs to the next session.
      const calls = [...running]
      if (credential) endings.add(sender.headerFor(origins.resolve(logoutPath), credential))
      auth.logOut()
      for (const end of calls) end(true)
      await endings.tell()
    },
    async headers(url = '') {
      const href = origins.resolve(url)
      if (!origins.isOurs(href)) return {}
      await logIn(baseFor(href))
      const { auth, sender } = connect()
      return sender.headerFor(href, auth.current())
    },
    cancelAll() {
      for (const end of [...running]) end()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  /** Looks `wx` up at the first call: nothing happens before. */
  function connect(): Connection {
    if (!connection) {
      const wx = wrap(options.wx || globalWx(), base)
      const prefix = isTrusting ? PREFIX_2016 : PREFIX
      const key = storageKey || defaultKey(wx, origin && origin + path)
      hint = hints(wx, key, base)
      const storage = createStorage(wx, key, prefix)
      const wxLogin = createWxLogin(wx, prefix, loginTimeout, profile, hint)
      const auth = createAuth({ cookies, storage, prefix, isForeign, isTrusting, wxLogin, onChange })
      const endings = createEndings(wx, `${key}:ended`, sendEnding)
      orUndefined(() =>
        (wx as Required<Wx>).onNetworkStatusChange((status) => {
          if (!Object(status).isConnected) return
          auth.retry()
          tellEndings()
        }),
      )
      connection = {
        auth,
        sender: createSender(wx, prefix, origins, storage.session, cookies, appId),
        endings,
      }
      // What the last launch could not tell.
      tellEndings()
    }
    return connection
  }

  /** `logIn`: for calls that cannot carry a login. */
  function call<Result>(
    api: keyof Wx,
    options: WxOptions & Callbacks<Result>,
    special?: (outgoing: Target & Outgoing<Result>, answers: Answers) => object,
    logIn?: () => Promise<unknown>,
  ): Call<Result> {
    const given = Object(options) as WxOptions
    const { url = '', method = api === 'uploadFile' ? 'POST' : 'GET' } = given
    const { deadline: limit = deadline, session = 'required' } = given
    const name: CallName = { api, method: `${method}`.toUpperCase(), path: pathOf(url) }
    const one = startCall<Result>({
      callbacks: given,
      name,
      deadline: isTime(limit) ? limit : deadline,
      running,
      prepare() {
        if (!isObject(options)) throw optionError('no options: { url }')
        if (!isTime(limit)) throw optionError(`deadline cannot be ${limit}`)
        if (!SESSION.test(session)) throw optionError(`session cannot be ${session}`)
        const { auth, sender } = connect()
        const href = origins.resolve(given.url).replace(/^ws/i, 'http')
        const isOurs = session !== 'none' && origins.isOurs(href)
        const isOptional = session === 'optional'
        const outgoing: Target & Outgoing<Result> = {
          auth,
          href,
          url: pathOf(href),
          isOurs,
          isOptional,
          logIn: isOptional && logIn ? () => logIn().catch(() => {}) : logIn,
          isSafe: isRepeatable(name.method),
          send: sender.createSend(api, given),
        }
        return Object.assign(outgoing, special && special(outgoing, answers))
      },
    })
    one.catch(({ errMsg, url }: SessionError) => hint && hint(errMsg, url))
    return one
  }

  /**
   * Logs in by a request for nothing else, if there is no session. It goes to `loginPath` with a JSON body, `{ code, rawData,
   * signature }` or the code alone; or, because a server logs in whatever it is asked, to any URL. It follows no redirect,
   * which would take it to another origin.
   */
  function logIn(url = ''): Promise<unknown> {
    const options = loginPath ? { url: loginPath, method: 'POST', isLogin: true } : { url }
    const special = { isSafe: true, isLoginOnly: true, read: loginPath && readBody }
    return call('request', Object.assign({ redirect: 'manual' }, options), () => special)
  }

  /** A login before a request that cannot carry one. */
  function logInFor({ url }: WxOptions): () => Promise<unknown> {
    return () => logIn(baseFor(url))
  }

  /** The base, unless that is at another origin. */
  function baseFor(url: string): string | undefined {
    const origin = originOf(url)
    return origin === origins.base ? '' : origin
  }

  function tellEndings(): void {
    if (logoutPath && connection) connection.endings.tell()
  }

  /** What a gateway, a page or a server in trouble says is no answer. A session that nobody knows has ended. */
  async function sendEnding(header: Header): Promise<void> {
    const { statusCode, data } = await call<WxResponse>('request', {
      url: logoutPath as string,
      method: 'POST',
      header,
      session: 'none',
      redirect: 'manual',
      deadline: LOGOUT_TIMEOUT,
    })
    const isKnown = isForeign || statusCode >= 400 || Object(data).logout === 'done'
    if (!isKnown || statusCode >= 500 || statusCode === 429) throw data
  }

  function onChange(isLoggedIn: boolean): void {
    if (isLoggedIn) tellEndings()
    for (const listener of [...listeners]) runSafely(() => listener(isLoggedIn))
  }
}

/** Whether a timer of JavaScript takes it. */
function isTime(ms: unknown): boolean {
  return typeof ms === 'number' && ms > 0 && ms < 2 ** 31
}

/** A URL without its query. */
function pathOf(url: unknown): string {
  return `${url}`.replace(/[?#].*/, '')
}

/** @throws {TypeError} where there is none */
export function globalWx(): Wx {
  if (typeof wx === 'undefined') throw optionError('no wx')
  return wx
}
