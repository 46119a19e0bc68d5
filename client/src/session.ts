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
import { runSafely } from './util.js'
import type { Wx } from './wx.js'
import { createWxLogin } from './wx-login.js'

declare const wx: Wx | undefined

/** What there is from the first call on. */
interface Connection {
  auth: Auth
  sender: Sender
}

/** ms */
const LOGIN_TIMEOUT = 10_000
const DEADLINE = 60_000

/**
 * A session with a server that uses koa-weapp-session, however it carries its sessions.
 *
 * @throws {SessionError} ERR_OPTIONS when baseUrl or an origin is none, or missing
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
    deadline = DEADLINE,
    storageKey,
  } = options
  // A container has no address. It gets one that nothing else has.
  const origins = createOrigins(cloud ? `https://${cloud.env}` : baseUrl, options.origins)
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const running = new Set<() => void>()
  /** With a path for logins, requests carry none. */
  const logInFirst = loginPath ? logIn : undefined
  let connection: Connection | undefined
  /** While the server is asked whether the session of a handshake still lives. */
  let asking: Promise<void> | undefined

  return {
    request: <Data>(options: RequestOptions<Data>) => call(options, requestOf<Data>, logInFirst),
    uploadFile: (options) => call(options, uploadOf, logInFor(options)),
    downloadFile: (options) => call(options, downloadOf, logInFor(options)),
    connectSocket: (options) =>
      call(
        options,
        (sender, options, auth) => socketOf({ sender, auth, origins, options, ready: asking, ask }),
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
  ): Call<Result> {
    return startCall<Result>({
      callbacks: options || {},
      deadline,
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

  /** A login before a request that cannot carry one: at the base, unless that is at another origin. */
  function logInFor(options: WxOptions): () => Promise<unknown> {
    const origin = originOf(options.url)
    return () => logIn(origin === origins.base ? '' : origin)
  }

  /** A request like any other: if the session is over, it finds out, and logs in. */
  function ask(url: string): void {
    const done = () => {
      asking = undefined
    }
    const options = { url: loginPath || url }
    asking = asking || call(options, requestOf, logInFirst).then(done, done)
  }

  function onChange(isLoggedIn: boolean): void {
    for (const listener of [...listeners]) runSafely(() => listener(isLoggedIn))
  }
}

function globalWx(): Wx {
  if (typeof wx === 'undefined') throw optionError('no wx')
  return wx
}
