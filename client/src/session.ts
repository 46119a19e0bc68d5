import { APP_ID_HEADER } from '../../src/protocol.js'
import type { Account, Ticket } from './auth.js'
import type { Sending } from './call.js'
import { withCookies } from './cookies.js'
import { atLoginPath } from './login-path.js'
import { patient } from './patience.js'
import { type Answer, EXPIRED } from './refusal.js'
import { type AnyOptions, type Core, core, type Host } from './requests.js'
import type { Callbacks } from './settle.js'
import type { Shelf } from './storage.js'
import type { Call, Session, SessionOptions } from './types.js'
import { originOf, places } from './urls.js'
import { harmless } from './util.js'
import type { Header, WxDownloadResponse, WxSocketTask, WxUploadResponse } from './wx.js'

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
  const { baseUrl, origins, appId, loginPath, protocol } = options
  const where = places(baseUrl, origins)
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  /** Sent with the session, and not answered. */
  const open = new Set<Ticket>()
  const shelf: Shelf = {}
  const { host, call, sending, request } = core(options, where, { changed, shelf, guard, pack })

  return {
    request: (options) => request(options, loginPath ? logIn : undefined),
    uploadFile: (options) =>
      begin(options, () => transfer(sending<WxUploadResponse>('uploadFile', options), false)),
    downloadFile: (options) =>
      begin(options, () => transfer(sending<WxDownloadResponse>('downloadFile', options), true)),
    connectSocket: (options) =>
      begin(options, () => {
        // A relative url is a path there too.
        const url = where.urlOf(options.url).replace(/^http/i, 'ws')
        return socket(sending, host(), Object.assign({}, options, { url }), open)
      }),
    async login() {
      await logIn(baseUrl)
    },
    async logout() {
      const { account, running } = host()
      // Those of now: what is called because the user leaves belongs to the next session.
      const leavers = [...running]
      account.leave()
      for (const leave of leavers) leave()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  function changed(isLoggedIn: boolean): void {
    for (const listener of [...listeners]) harmless(() => listener(isLoggedIn))
  }

  function guard(account: Account, save: () => void): Account {
    const header = {}
    // A server that has sessions of its own: there is no login, and cookies are all there is to keep.
    const visitor = protocol === 'cookies' && { board: async () => ({ header }), current: () => header }
    return patient(Object.assign({}, account, visitor), shelf, save, open)
  }

  /** The app's header, with what all requests to our origins have beside the session. */
  function pack(url: string, own: Header | undefined): Header | undefined {
    if (!where.isOurs(url)) return own
    const id = appId === true ? host().wx.getAccountInfoSync().miniProgram.appId : appId
    return withCookies(shelf, url, Object.assign({}, own, id && { [APP_ID_HEADER]: id }))
  }

  /** For calls that cannot log in: their answers would not say whether the server has accepted it. */
  function begin<Result>(
    options: AnyOptions & Callbacks<Result>,
    sendingFor: () => Sending<Result>,
  ): Call<Result> {
    return call(options, () => Object.assign(sendingFor(), { logIn: () => logIn(originOf(options.url)) }))
  }

  /**
   * A request for nothing but the session, where there is none: to the path for that, or to any, because the server
   * logs in whatever it is asked.
   */
  function logIn(url = ''): Promise<unknown> {
    const options = { url: loginPath || url }
    return call<unknown>(options, () => {
      const send = loginPath ? atLoginPath(sending, loginPath) : sending('request', options).send
      return { send, isSafe: true, isBare: true }
    })
  }
}

/**
 * The answer to a download, or to an upload, has no header; its task hears of it before. Where it does not, a
 * download says no more than its status, and its file may be a refusal: so the first 401 is taken for one.
 */
function transfer<Result extends Answer>({ send }: Sending<Result>, isDownload: boolean): Sending<Result> {
  let mayGuess = isDownload
  return {
    isSafe: isDownload,
    send: (ticket, success, fail) => send(ticket, (result) => success(result, read), fail),
  }

  function read(answer: Answer): Answer {
    if (!mayGuess || answer.header || answer.statusCode !== 401) return answer
    mayGuess = false
    return EXPIRED
  }
}

/** A socket is there as soon as `wx` has made it: whether the handshake succeeds is for its own listeners. */
function socket(
  sending: Core['sending'],
  { account }: Host,
  options: AnyOptions,
  open: Set<Ticket>,
): Sending<WxSocketTask> {
  return {
    send(ticket, success, fail) {
      const opened = () => success(task, () => ({ statusCode: 101 }))
      const attempt = sending<unknown>('connectSocket', options).send(ticket, opened, fail)
      const task = attempt as unknown as WxSocketTask
      const handshake = Object.assign({}, ticket)
      open.add(handshake)
      task.onOpen((head) => account.answered(handshake, head))
      // A handshake that is refused for its session: the next connection logs in first.
      task.onError(({ errMsg = '' }) => {
        account.answered(handshake)
        if (/\b401\b/.test(errMsg)) account.expired(ticket)
      })
      return { abort: () => task.close({}) }
    },
  }
}
