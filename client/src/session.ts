import { PREFIX, PREFIX_2016 } from '../../src/protocol.js'
import { createAnswers } from './asking.js'
import { type Auth, createAuth } from './auth.js'
import { type Answers, type CallName, type EndCall, type Outgoing, startCall, type Target } from './call.js'
import type { Cookies } from './cookies.js'
import { downloadOf } from './downloads.js'
import type { createEndings, Endings } from './endings.js'
import { optionError } from './errors.js'
import { createSender, readBody, type Sender } from './requests.js'
import { isRepeatable } from './retry.js'
import type { Callbacks } from './settle.js'
import { socketOf } from './sockets.js'
import { createStorage, defaultKey } from './storage.js'
import type { Call, RequestOptions, Session, SessionOptions } from './types.js'
import { createOrigins, originOf, partsOf } from './urls.js'
import { A_MINUTE, orUndefined, runSafely } from './util.js'
import type { Header, Wx, WxResponse } from './wx.js'
import { createWxLogin } from './wx-login.js'
import type { WxOptions } from './wx-options.js'

declare const wx: Wx | undefined

/** What there is from the first call on. */
interface Connection {
  auth: Auth
  sender: Sender
  endings: Endings
}

/** Logs in, for a call that cannot carry a login. `isOptional`: that it can do without. */
type LogIn = (isOptional: boolean) => Promise<unknown>

/** The session, and what others are made of it by. */
export interface Core {
  session: Omit<Session, 'headers'>
  /** What names the session in a request to one of our origins, once there is one; `undefined` for other origins. */
  headersFor(href: string): Promise<Header | undefined>
  resolve(url: string): string
}

/** What not every program needs. */
export interface Extras {
  /** Throws where the options of a call make no sense. */
  check(options: WxOptions): void
  cookies: Cookies
  /** Tells the server's `logoutPath`. */
  endings: typeof createEndings
  /** Gives the `wx` that is used. */
  wrap(wx: Wx, base?: string): Wx
}

/** ms */
const LOGIN_TIMEOUT = 10_000

/**
 * The session itself. Its options were checked before.
 *
 * @throws {TypeError} when baseUrl or an origin is none, or missing; or loginPath or logoutPath at another origin
 */
export function createCore(options: SessionOptions, { check, cookies, endings, wrap }: Extras): Core {
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
  for (const path of [loginPath, logoutPath])
    if (path && !origins.isOurs(origins.resolve(path))) throw optionError(`origins: ${path}`)
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const running = new Set<EndCall>()
  const isForeign = protocol === 'cookies' || !!cloud
  /** With a path for logins, requests carry none. */
  const logInFirst: LogIn | undefined = loginPath ? (isOptional) => logIn('', isOptional) : undefined
  let connection: Connection | undefined
  const answers = createAnswers(
    (url, deadline) => call('request', { url, deadline }, undefined, logInFirst),
    (url) => loginPath || (baseFor(url) as string),
  )

  const session: Core['session'] = {
    request: <Data>(options: RequestOptions<Data>) =>
      call<WxResponse<Data>>('request', options, undefined, logInFirst),
    uploadFile: (options) => call('uploadFile', options, undefined, logInFor(options)),
    downloadFile: (options) => call('downloadFile', options, downloadOf, logInFor(options)),
    connectSocket: (options) => call('connectSocket', options, socketOf, logInFor(options)),
    async login() {
      await logIn()
    },
    async logout() {
      const { auth, endings } = connect()
      // The calls of now. A call that the app makes because the user leaves belongs to the next session.
      const calls = [...running]
      auth.logOut()
      for (const end of calls) end(true)
      await endings.tell()
    },
    cancelAll() {
      for (const end of [...running]) end()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return { session, headersFor, resolve: origins.resolve }

  async function headersFor(href: string): Promise<Header | undefined> {
    if (!origins.isOurs(href)) return undefined
    await logIn(baseFor(href))
    const { auth, sender } = connect()
    return sender.headerFor(href, auth.current())
  }

  /** Looks `wx` up at the first call: nothing happens before. */
  function connect(): Connection {
    if (!connection) {
      const wx = wrap(options.wx || globalWx(), base)
      const prefix = isTrusting ? PREFIX_2016 : PREFIX
      const key = storageKey || defaultKey(wx, origin && origin + path)
      const storage = createStorage(wx, key, prefix)
      const wxLogin = createWxLogin(wx, prefix, loginTimeout, profile)
      const auth = createAuth({
        cookies,
        storage,
        prefix,
        isForeign,
        isTrusting,
        wxLogin,
        onChange,
        onLeft: logoutPath && !cloud ? onLeft : undefined,
      })
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
        endings: endings(wx, `${key}:ended`, logoutPath, (options) => call('request', options), isForeign),
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
    logIn?: LogIn,
  ): Call<Result> {
    const given = Object(options) as WxOptions
    const { deadline: limit = deadline } = given
    const one = startCall<Result>({
      callbacks: given,
      name: nameOf,
      deadline: limit,
      running,
      prepare() {
        const { session = 'required' } = given
        check(options)
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
          logIn: logIn && (() => logIn(isOptional)),
          isSafe: isRepeatable(nameOf().method),
          send: sender.createSend(api, given),
        }
        return Object.assign(outgoing, special && special(outgoing, answers))
      },
    })
    return one

    function nameOf(): CallName {
      const { url = '', method = api === 'uploadFile' ? 'POST' : 'GET' } = given
      return { api, method: `${method}`.toUpperCase(), path: pathOf(url) }
    }
  }

  /**
   * Logs in by a request for nothing else, if there is no session. It goes to `loginPath` with a JSON body, `{ code, rawData,
   * signature }` or the code alone; or, because a server logs in whatever it is asked, to any URL. It follows no redirect,
   * which would take it to another origin.
   */
  function logIn(url = '', isOptional?: boolean): Promise<unknown> {
    const options = loginPath ? { url: loginPath, method: 'POST', isLogin: true } : { url }
    const special = { isSafe: true, isLoginOnly: true, read: loginPath && readBody }
    // Who can do without waits for it as long as for a code and a profile, and little longer.
    const limits = isOptional && ({ session: 'optional', deadline: 3 * loginTimeout } as const)
    const one = call('request', Object.assign({ redirect: 'manual' }, options, limits), () => special)
    return one.catch((error) => {
      if (!isOptional || error.code !== 'ERR_DEADLINE') throw error
    })
  }

  /** A login before a request that cannot carry one. */
  function logInFor({ url }: WxOptions): LogIn {
    return (isOptional) => logIn(baseFor(url), isOptional)
  }

  /** The base, unless that is at another origin. */
  function baseFor(url: string): string | undefined {
    const origin = originOf(url)
    return origin === origins.base ? '' : origin
  }

  function tellEndings(): void {
    if (connection) connection.endings.tell()
  }

  /** Cookies are of the session that is there: what comes late has none. */
  function onLeft(credential: Header, isLate?: boolean): void {
    const { sender, endings } = connect()
    endings.add(sender.headerFor(isLate ? '' : origins.resolve(logoutPath as string), credential))
    if (isLate) tellEndings()
  }

  function onChange(isLoggedIn: boolean): void {
    if (isLoggedIn) tellEndings()
    for (const listener of [...listeners]) runSafely(() => listener(isLoggedIn))
  }
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
