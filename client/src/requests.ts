import { type Account, account } from './auth.js'
import { type Plan, type Sending, startCall } from './call.js'
import { mistake } from './errors.js'
import type { Callbacks } from './settle.js'
import { defaultKey, type Shelf, vault } from './storage.js'
import type { Call, RequestOptions, SessionOptions } from './types.js'
import type { Places } from './urls.js'
import type { Header, Wx, WxResponse, WxTask } from './wx.js'
import { loginSource } from './wx-login.js'

declare const wx: Wx | undefined

/** ms */
const LOGIN_TIMEOUT = 10_000
const DEADLINE = 60_000

/** Methods that may be repeated: doing them twice is doing them once (RFC 9110, 9.2.2). */
const SAFE = /^(GET|HEAD|OPTIONS|PUT|DELETE)$/i

/** What every call of `wx` that is used here has. */
export type AnyOptions = { url: string; header?: Header | undefined; method?: string }

/** Where the calls of a session meet. */
export interface Host {
  wx: Wx
  account: Account
  running: Plan<unknown>['running']
}

/** What makes the calls of one session. */
export interface Core {
  /** Looks `wx` up, at first use: nothing happens at import. */
  host(): Host
  call<Result>(options: AnyOptions & Callbacks<Result>, sendingFor: () => Sending<Result>): Call<Result>
  /** One of the calls of `wx` that have a url, a header and callbacks. */
  sending<Result>(api: keyof Wx, options: AnyOptions & { data?: object }): Sending<Result>
  request<Data>(options: RequestOptions<Data>, logIn?: () => Promise<unknown>): Call<WxResponse<Data>>
}

/** Without a word about origins, as in the drop-in, every server gets the session, as it did in 2016. */
const EVERYWHERE: Places = {
  urlOf(url) {
    if (!/^https?:/i.test(url as string)) throw mistake('url needs a baseUrl')
    return url as string
  },
  isOurs: () => true,
}

/** What a session has that the drop-in has not. */
export interface Extras {
  /** Is told when the session begins and when it ends. */
  changed(isLoggedIn: boolean): void
  shelf: Shelf
  /** The account that calls see. `save`: stores what has changed on the shelf. */
  guard(account: Account, save: () => void): Account
  /** The app's header with what all our requests have beside the session. */
  pack(url: string, header: Header | undefined): Header | undefined
}

export function core(
  options: SessionOptions,
  { origin, urlOf, isOurs }: Places = EVERYWHERE,
  {
    changed = () => {},
    shelf = {},
    guard = (account) => account,
    pack = (_, header) => header,
  }: Partial<Extras> = {},
): Core {
  const { profile, loginTimeout = LOGIN_TIMEOUT, deadline = DEADLINE, storageKey } = options
  let shared: Host | undefined

  return { host, call, sending, request }

  function host(): Host {
    if (!shared) {
      const wx = options.wx || globalWx()
      const kept = vault(wx, storageKey || defaultKey(wx, origin), shelf)
      const session = account(loginSource(wx, loginTimeout, profile), kept, changed)
      shared = { wx, account: guard(session, kept.save), running: new Set() }
    }
    return shared
  }

  function call<Result>(
    options: AnyOptions & Callbacks<Result>,
    sendingFor: () => Sending<Result>,
  ): Call<Result> {
    return startCall<Result>(deadline, options || {}, () => {
      const here = host()
      const url = urlOf(options.url)
      return Object.assign({ sending: sendingFor(), url, isOurs: isOurs(url) }, here)
    })
  }

  function sending<Result>(api: keyof Wx, options: AnyOptions): Sending<Result> {
    const { wx } = host()
    const start = wx[api] as ((options: object) => WxTask) | undefined
    if (!start) throw mistake(`no wx.${api}`)
    const url = urlOf(options.url)
    return {
      send(ticket, success, fail) {
        const header = Object.assign({}, pack(url, options.header), ticket.header)
        return start.call(wx, Object.assign({}, options, { url, header, success, fail, complete: undefined }))
      },
    }
  }

  function request<Data>(
    options: RequestOptions<Data>,
    logIn?: () => Promise<unknown>,
  ): Call<WxResponse<Data>> {
    return call(options, () =>
      Object.assign(sending<WxResponse<Data>>('request', options), {
        isSafe: SAFE.test(options.method || 'GET'),
        logIn,
      }),
    )
  }
}

function globalWx(): Wx {
  if (typeof wx === 'undefined') throw mistake('no wx')
  return wx
}
