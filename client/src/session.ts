import { type Account, account, type Ticket } from './account.js'
import { type Sending, startCall } from './call.js'
import { SessionError } from './errors.js'
import { getLoginData } from './login.js'
import { originOf, resolveUrl } from './origin.js'
import type { Answer } from './refusal.js'
import type { Callbacks } from './settlement.js'
import type { Call, Session, SessionOptions } from './types.js'
import { defaultKey, vault } from './vault.js'
import type { Header, Wx, WxSocketTask, WxTask } from './wx.js'

declare const wx: Wx | undefined

/** ms */
const LOGIN_TIMEOUT = 10_000
const DEADLINE = 60_000

/** What every call has, whichever it is. */
type AnyOptions = Callbacks<never> & { url: string; header?: Header | undefined }

/** Methods that may be repeated: doing them twice is doing them once (RFC 9110, 9.2.2). */
const SAFE = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i

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
  const {
    baseUrl,
    origins = [],
    profile,
    loginTimeout = LOGIN_TIMEOUT,
    deadline = DEADLINE,
    storageKey,
  } = options
  const base = baseUrl === undefined ? undefined : originOrThrow(baseUrl)
  const allowed = origins.map(originOrThrow).concat(base || [])
  const running = new Set<() => void>()
  let shared: { wx: Wx; account: Account } | undefined

  return {
    request: (options) =>
      call(options, (wx) => sending(wx.request, options, SAFE.test(options.method || 'GET'), true)),
    uploadFile: (options) => call(options, (wx) => sending(wx.uploadFile, options, false)),
    downloadFile: (options) =>
      call(options, (wx) => ({ ...sending(wx.downloadFile, options, true), isTerse: true })),
    connectSocket: (options) => call(options, (wx, account) => socketSending(wx, account, options)),
    async login() {
      await call({ url: '/' }, () => undefined)
    },
    async logout() {
      host().account.leave()
      for (const leave of Array.from(running)) leave()
    },
    onChange: (listener) => host().account.onChange(listener),
  }

  /** Looked up at the first call: nothing happens at import. */
  function host(): { wx: Wx; account: Account } {
    if (!shared) {
      const wx = options.wx || globalWx()
      const kept = vault(wx, storageKey || defaultKey(wx, base))
      shared = { wx, account: account(() => getLoginData(wx, loginTimeout, profile), kept) }
    }
    return shared
  }

  function call<Result>(
    options: AnyOptions & Callbacks<Result>,
    sendingFor: (wx: Wx, account: Account) => Sending<Result> | undefined,
  ): Call<Result> {
    return startCall<Result>(deadline, options, () => {
      const { wx, account } = host()
      const url = resolveUrl(options.url, baseUrl)
      if (!url) throw mistake('a relative url needs a baseUrl')
      const origin = originOf(url) || ''
      const bare = sending<Answer>(wx.request, { url: baseUrl || origin }, true, true)
      // Without a word about origins, as in the drop-in, every server gets the session, as it did in 2016.
      const isOurs = allowed.length === 0 || allowed.indexOf(origin) >= 0
      return { account, sending: sendingFor(wx, account), bare, isOurs, running }
    })
  }

  /** One of the calls of `wx` that have a url, a header and callbacks. */
  function sending<Result>(
    api: ((options: never) => WxTask) | undefined,
    options: AnyOptions,
    isSafe: boolean,
    canLead = false,
  ): Sending<Result> {
    if (!api) throw mistake('this wx does not have that call')
    const { success: _, fail: __, complete: ___, ...rest } = options
    const url = resolveUrl(options.url, baseUrl)
    return {
      isSafe,
      canLead,
      isTerse: false,
      send: ({ header }, success, fail) =>
        api({ ...rest, url, header: { ...options.header, ...header }, success, fail } as never),
    }
  }

  function socketSending(wx: Wx, account: Account, options: AnyOptions): Sending<WxSocketTask> {
    const connect = sending<unknown>(
      wx.connectSocket as unknown as (options: never) => WxTask,
      options,
      false,
    )
    return {
      ...connect,
      send(ticket: Ticket, success, fail) {
        const task = connect.send(ticket, () => {}, fail) as unknown as WxSocketTask
        // A handshake that is refused for its session: the next connection logs in first.
        task.onError(({ errMsg = '' }) => {
          if (ticket.generation !== undefined && /\b401\b/.test(errMsg)) account.expired(ticket.generation)
        })
        success(task)
        return undefined
      },
    }
  }
}

function globalWx(): Wx {
  if (typeof wx === 'undefined') throw mistake('there is no wx: pass one, createSession({ wx })')
  return wx
}

function originOrThrow(url: string): string {
  const origin = originOf(url)
  if (!origin) throw mistake(`${url} is no absolute http(s) URL`)
  return origin
}

function mistake(message: string): SessionError {
  return new SessionError({ code: 'ERR_OPTIONS', message, phase: 'wait', attempts: 0, retryable: false })
}
