import { ERROR_HEADER } from '../../src/protocol.js'
import type { Ticket } from './account.js'
import type { Sending } from './call.js'
import { type AnyOptions, type Core, core, type Host } from './core.js'
import { originOf } from './origin.js'
import type { Session, SessionOptions } from './types.js'
import { harmless } from './util.js'
import type { WxDownloadResponse, WxError, WxSocketTask } from './wx.js'

/**
 * A session with a server that uses koa-weapp-session.
 *
 * @throws {SessionError} ERR_OPTIONS when baseUrl or an origin is none
 *
 * @example
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 * const { data } = await session.request({ url: '/me' })
 */
export function createSession(options: SessionOptions = {}): Session {
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const { host, call, sending, request } = core(options, (isLoggedIn) => {
    for (const listener of Array.from(listeners)) harmless(() => listener(isLoggedIn))
  })

  return {
    request,
    uploadFile: (options) => call(options, () => after(logIn, options, sending('uploadFile', options))),
    downloadFile: (options) => call(options, () => after(logIn, options, download(sending, options))),
    connectSocket: (options) =>
      call(options, (host) => after(logIn, options, socket(sending, host, options))),
    async login() {
      await logIn(options.baseUrl)
    },
    async logout() {
      const { account, running } = host()
      account.leave()
      for (const leave of Array.from(running)) leave()
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }

  /** A request for nothing, where there is no session: the server logs in whatever it is asked. */
  function logIn(url = ''): Promise<unknown> {
    return call<unknown>({ url }, () => sending('request', { url }, { isSafe: true, isBare: true }))
  }
}

/** For calls whose answers say too little to log in with. */
function after<Result>(
  logIn: (url: string | undefined) => Promise<unknown>,
  { url }: AnyOptions,
  sending: Sending<Result>,
): Sending<Result> {
  return Object.assign({}, sending, { logIn: () => logIn(originOf(url)) })
}

/**
 * The answer to a download has a status and no more, and its file may be a refusal. So the first 401 is taken for
 * an expired session; a second one is the app's.
 */
function download(sending: Core['sending'], options: AnyOptions): Sending<WxDownloadResponse> {
  const { send } = sending<WxDownloadResponse>('downloadFile', options)
  let hasGuessed = false
  return {
    isSafe: true,
    send(ticket, success, fail) {
      return send(
        ticket,
        (result) => {
          const isGuess = !hasGuessed && result.statusCode === 401
          hasGuessed = hasGuessed || isGuess
          const header = { [ERROR_HEADER]: 'ERR_SESSION_EXPIRED' }
          success(isGuess ? Object.assign({}, result, { header }) : result)
        },
        fail,
      )
    },
  }
}

/** A socket is there as soon as its task is: whether the handshake succeeds is for the task's listeners. */
function socket(sending: Core['sending'], { account }: Host, options: AnyOptions): Sending<WxSocketTask> {
  const { send } = sending<unknown>('connectSocket', options)
  return {
    send(ticket: Ticket, success: (task: WxSocketTask) => void, fail: (error: WxError) => void) {
      const task = send(ticket, () => {}, fail) as unknown as WxSocketTask
      // A handshake that is refused for its session: the next connection logs in first.
      task.onError(({ errMsg = '' }) => {
        if (ticket.generation !== undefined && /\b401\b/.test(errMsg)) account.expired(ticket.generation)
      })
      success(task)
      return undefined
    },
  }
}
