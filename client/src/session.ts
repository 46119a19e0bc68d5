import { PREFIX, PREFIX_2016 } from '../../src/protocol.js'
import { type Auth, createAuth } from './auth.js'
import { type Outgoing, startCall } from './call.js'
import { optionError } from './errors.js'
import { createSender, loginOf, requestOf, type Sender, type WxOptions } from './requests.js'
import type { Callbacks } from './settle.js'
import { socketOf } from './sockets.js'
import { createStorage, defaultKey } from './storage.js'
import { downloadOf, uploadOf } from './transfers.js'
import type { Call, RequestOptions, Session, SessionOptions } from './types.js'
import { createOrigins, originOf } from './urls.js'
import { A_MINUTE, runSafely } from './util.js'
import type { Wx } from './wx.js'
import { createWxLogin } from './wx-login.js'

declare const wx: Wx | undefined

/** What there is from the first call on. */
interface Connection {
  auth: Auth
  sender: Sender
}

/** ms for which each of two URLs is asked whether a session still lives, and after which that may be asked again. */
const ASKING = 2000
const REST = 5000
const LOGIN_TIMEOUT = 10_000

/**
 * A session with a server that uses koa-weapp-session, however it carries its sessions.
 *
 * @throws {SessionError} ERR_OPTIONS when baseUrl or an origin is none, or missing; or loginPath at another origin
 *
 * @example
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 * const { data } = await session.request({ url: '/me' })
 */
export function createSession(options: SessionOptions = {}): Session {
  const {
    baseUrl,
    loginPath,
    profile,
    protocol,
    cloud,
    loginTimeout = LOGIN_TIMEOUT,
    deadline = A_MINUTE,
    storageKey,
  } = options
  // A container has no address. It gets one that nothing else has.
  const origins = createOrigins(cloud ? `https://${cloud.env}` : baseUrl, options.origins)
  // A login there would never be a session here.
  if (loginPath && !origins.isOurs(origins.resolve(loginPath))) throw optionError('see loginPath')
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const running = new Set<() => void>()
  /** With a path for logins, requests carry none. */
  const logInFirst = loginPath ? logIn : undefined
  let connection: Connection | undefined
  /** While the server is asked whether the session of a handshake still lives, and for a while after. */
  let asking: Promise<unknown> | undefined

  return {
    request: <Data>(options: RequestOptions<Data>) => call(options, requestOf<Data>, logInFirst),
    uploadFile: (options) => call(options, uploadOf, logInFor(options)),
    downloadFile: (options) => call(options, downloadOf, logInFor(options)),
    connectSocket: (options) =>
      call(
        options,
        (sender, options, auth) =>
          Object.assign({ ready: asking }, socketOf(sender, options, auth, origins, ask)),
        logInFor(options),
      ),
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
      const wx = options.wx || globalWx()
      const isTrusting = protocol === '2016'
      const prefix = isTrusting ? PREFIX_2016 : PREFIX
      const storage = createStorage(wx, storageKey || defaultKey(wx, origins.base), prefix)
      const wxLogin = createWxLogin(wx, prefix, loginTimeout, profile)
      const isForeign = protocol === 'cookies' || !!cloud
      const auth = createAuth({ storage, prefix, isForeign, isTrusting, wxLogin, onChange })
      connection = { auth, sender: createSender(wx, prefix, origins, storage.session, options) }
    }
    return connection
  }

  /** `logIn`: for calls that cannot carry a login. */
  function call<Result>(
    options: WxOptions & Callbacks<Result>,
    outgoing: (sender: Sender, options: WxOptions, auth: Auth) => Outgoing<Result>,
    logIn?: () => Promise<unknown>,
    limit = deadline,
  ): Call<Result> {
    return startCall<Result>({
      callbacks: options || {},
      deadline: limit,
      running,
      prepare() {
        const { auth, sender } = connect()
        const url = origins.resolve(options.url)
        const target = { auth, url: url.replace(/[?#].*/, ''), isOurs: origins.isOurs(url), logIn }
        return Object.assign(target, outgoing(sender, options, auth))
      },
    })
  }

  /** Logs in by a request for nothing else, if there is no session. */
  function logIn(url = ''): Promise<unknown> {
    return call({ url: loginPath || url }, (sender) => loginOf(sender, url, loginPath))
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
    asking = asking || findOut(auth, url)
  }

  /** Makes requests like any other: if the session is over, they find out, and log in. */
  async function findOut(auth: Auth, socket: string): Promise<void> {
    const session = auth.current()
    for (const url of [socket, loginPath || (baseFor(socket) as string)]) {
      const one = call({ url }, requestOf, logInFirst, ASKING)
      // What is heard is no refusal, and may be a stream.
      one.onHeadersReceived(one.abort)
      await one.catch(() => {})
      if (auth.current() !== session) break
    }
    setTimeout(() => {
      asking = undefined
    }, REST)
  }

  function onChange(isLoggedIn: boolean): void {
    for (const listener of [...listeners]) runSafely(() => listener(isLoggedIn))
  }
}

function globalWx(): Wx {
  if (typeof wx === 'undefined') throw optionError('no wx')
  return wx
}
