import { PREFIX, PREFIX_2016 } from '../../src/protocol.js'
import { type Auth, createAuth } from './auth.js'
import { type Answers, type CallName, type Outgoing, startCall, type Target } from './call.js'
import { downloadOf } from './downloads.js'
import { optionError, type SessionError } from './errors.js'
import type { createHint, Hint } from './hints.js'
import { createSender, readBody, type Sender, type WxOptions } from './requests.js'
import type { Callbacks } from './settle.js'
import { socketOf } from './sockets.js'
import { createStorage, defaultKey } from './storage.js'
import type { Call, RequestOptions, Session, SessionOptions } from './types.js'
import { createOrigins, originOf, partsOf } from './urls.js'
import { A_MINUTE, isObject, orUndefined, runSafely } from './util.js'
import type { Wx, WxResponse } from './wx.js'
import { createWxLogin } from './wx-login.js'

declare const wx: Wx | undefined

/** What there is from the first call on. */
interface Connection {
  auth: Auth
  sender: Sender
}

/** Methods that may be repeated: doing them twice is doing them once (RFC 9110, 9.2.2). */
const SAFE = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/

/** ms for which each of two URLs is asked whether a session still lives, and after which that may be asked again. */
const ASKING = 2000
const REST = 5000
const LOGIN_TIMEOUT = 10_000

/**
 * The session itself. Its options were checked before. `wrap`: gives the `wx` that is used.
 *
 * @throws {TypeError} when baseUrl or an origin is none, or missing; or loginPath at another origin
 */
export function createCore(
  options: SessionOptions,
  hints: typeof createHint = () => () => {},
  wrap: (wx: Wx, base?: string) => Wx = (wx) => wx,
): Session {
  const {
    appId,
    baseUrl,
    loginPath,
    protocol,
    // A server of 2016 knows no other login.
    profile = protocol === '2016' ? 'userInfo' : 'none',
    cloud,
    loginTimeout = LOGIN_TIMEOUT,
    deadline = A_MINUTE,
    storageKey,
  } = options
  // A container has no address. It gets one that nothing else has.
  const base = cloud ? `https://${cloud.env}` : baseUrl
  const { origin, path } = partsOf(`${base}`)
  const origins = createOrigins(base, options.origins)
  // A login there would never be a session here.
  if (loginPath && !origins.isOurs(origins.resolve(loginPath))) throw optionError('see loginPath')
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const running = new Set<() => void>()
  /** With a path for logins, requests carry none. */
  const logInFirst = loginPath ? logIn : undefined
  let connection: Connection | undefined
  /** While the server is asked whether the session of a handshake still lives, and for a while after. */
  let asking: Promise<unknown> | undefined
  let hint: Hint | undefined
  const answers: Answers = { findOut, ask, asking: () => asking }

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
      // The calls of now. A call that the app makes because the user leaves belongs to the next session.
      const calls = [...running]
      connect().auth.logOut()
      for (const end of calls) end()
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
      const isTrusting = protocol === '2016'
      const prefix = isTrusting ? PREFIX_2016 : PREFIX
      const key = storageKey || defaultKey(wx, origin && origin + path)
      hint = hints(wx, key, base)
      const storage = createStorage(wx, key, prefix)
      const wxLogin = createWxLogin(wx, prefix, loginTimeout, profile, hint)
      const isForeign = protocol === 'cookies' || !!cloud
      const auth = createAuth({ storage, prefix, isForeign, isTrusting, wxLogin, onChange })
      orUndefined(() =>
        (wx as Required<Wx>).onNetworkStatusChange((status) => Object(status).isConnected && auth.retry()),
      )
      connection = { auth, sender: createSender(wx, prefix, origins, storage.session, appId) }
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
    const { deadline: limit = deadline } = given
    const name: CallName = { api, method: `${method}`.toUpperCase(), path: pathOf(url) }
    const one = startCall<Result>({
      callbacks: given,
      name,
      deadline: isTime(limit) ? limit : deadline,
      running,
      prepare() {
        if (!isObject(options)) throw optionError('no options: { url }')
        if (!isTime(limit)) throw optionError(`deadline cannot be ${limit}`)
        const { auth, sender } = connect()
        const href = origins.resolve(given.url).replace(/^ws/i, 'http')
        const isOurs = origins.isOurs(href)
        const outgoing: Target & Outgoing<Result> = {
          auth,
          href,
          url: pathOf(href),
          isOurs,
          logIn,
          isSafe: SAFE.test(name.method),
          send: sender(api, given),
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

  function ask(auth: Auth, url: string): void {
    asking =
      asking ||
      findOut(auth, url).then(() => {
        setTimeout(() => {
          asking = undefined
        }, REST)
      })
  }

  /**
   * Makes requests like any other: if the session is over, they find out, and log in. Resolves to whether one was answered,
   * and the session is still the same.
   */
  async function findOut(auth: Auth, asked: string): Promise<boolean> {
    const session = auth.current()
    let isAlive = false
    for (const url of [asked, loginPath || (baseFor(asked) as string)]) {
      const one = call('request', { url, deadline: ASKING }, undefined, logInFirst)
      // What is heard is no refusal, and may be a stream.
      one.onHeadersReceived(one.abort)
      // So it ends by that abort, which nobody else can call.
      isAlive = (await one.then(() => true, isAbort)) || isAlive
      if (auth.current() !== session) return false
    }
    return isAlive
  }

  function onChange(isLoggedIn: boolean): void {
    for (const listener of [...listeners]) runSafely(() => listener(isLoggedIn))
  }
}

function isAbort({ code }: SessionError): boolean {
  return code === 'ERR_ABORTED'
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
