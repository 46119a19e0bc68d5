import { ERROR_HEADER } from '../../src/protocol.js'
import type { Sending } from './call.js'
import { type AnyOptions, type Core, core, type Host } from './core.js'
import { originOf, places, resolveUrl } from './origin.js'
import type { Answer } from './refusal.js'
import type { Session, SessionOptions } from './types.js'
import { harmless } from './util.js'
import type { WxDownloadResponse, WxSocketTask, WxTask, WxUploadResponse } from './wx.js'

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
  const { baseUrl } = options
  const listeners = new Set<(isLoggedIn: boolean) => void>()
  const { host, call, sending, request } = core(options, places(baseUrl, options.origins), (isLoggedIn) => {
    for (const listener of Array.from(listeners)) harmless(() => listener(isLoggedIn))
  })

  return {
    request,
    uploadFile: (options) =>
      call(options, () =>
        after(logIn, options, transfer(sending<WxUploadResponse>('uploadFile', options), UPLOAD)),
      ),
    downloadFile: (options) =>
      call(options, () =>
        after(logIn, options, transfer(sending<WxDownloadResponse>('downloadFile', options), DOWNLOAD)),
      ),
    connectSocket: (options) =>
      call(options, (host) => after(logIn, options, socket(sending, host, atSocketUrl(options, baseUrl)))),
    async login() {
      await logIn(baseUrl)
    },
    async logout() {
      const { account, running } = host()
      // Those of now: what is called because the user leaves belongs to the next session.
      const leavers = Array.from(running)
      account.leave()
      for (const leave of leavers) leave()
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

const UPLOAD = { isSafe: false, isTerse: false }
const DOWNLOAD = { isSafe: true, isTerse: true }

/**
 * The answer to a download, or to an upload, has no header; its task hears of it before. Where it does not, a
 * download says no more than its status, and its file may be a refusal: so the first 401 is taken for one.
 */
function transfer<Result extends Answer>(
  { send }: Sending<Result>,
  { isSafe, isTerse }: { isSafe: boolean; isTerse: boolean },
): Sending<Result> {
  let hasGuessed = false
  return {
    isSafe,
    send(ticket, success, fail) {
      let header: Record<string, unknown> | undefined
      const task = send(ticket, (result) => success(result, answerTo(result, header)), fail) as
        | WxTask
        | undefined
      if (task && task.onHeadersReceived) {
        task.onHeadersReceived((received) => {
          header = received.header
        })
      }
      return task
    },
  }

  function answerTo({ statusCode, data }: Answer, header: Answer['header']): Answer {
    const isGuess = isTerse && !header && !hasGuessed && statusCode === 401
    if (!isGuess) return Object.assign({ statusCode, data }, header && { header })
    hasGuessed = true
    return { statusCode, header: { [ERROR_HEADER]: 'ERR_SESSION_EXPIRED' } }
  }
}

/** `https://…/path` as `wss://…/path`, which a relative url stands for where sockets are. */
function atSocketUrl(options: AnyOptions, baseUrl: string | undefined): AnyOptions {
  const url = resolveUrl(options.url, baseUrl) || ''
  return Object.assign({}, options, { url: url.replace(/^http/i, 'ws') })
}

/** A socket is there as soon as `wx` has made it: whether the handshake succeeds is for its own listeners. */
function socket(sending: Core['sending'], { account }: Host, options: AnyOptions): Sending<WxSocketTask> {
  return {
    send(ticket, success, fail) {
      const { send } = sending<unknown>('connectSocket', options)
      const task = send(ticket, () => success(task, { statusCode: 101 }), fail) as unknown as WxSocketTask
      // A handshake that is refused for its session: the next connection logs in first.
      task.onError(({ errMsg = '' }) => {
        if (ticket.generation !== undefined && /\b401\b/.test(errMsg)) account.expired(ticket.generation)
      })
      return { abort: () => task.close({}) }
    },
  }
}
