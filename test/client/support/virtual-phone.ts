import type {
  Wx,
  WxDownloadOptions,
  WxError,
  WxRequestOptions,
  WxSocketOptions,
  WxSocketTask,
  WxTask,
  WxUploadOptions,
} from '../../../client/src/wx.js'
import { type Answer, isLogin, type ModelServer, ourHeader } from './model-server.js'
import type { Random } from './random.js'
import type { VirtualClock } from './virtual-clock.js'

/** What can be wrong with the phone, or with its user. */
export type PhoneFault = (typeof PHONE_FAULTS)[number]

export const PHONE_FAULTS = [
  'wx.login fails',
  'wx.login gives no code',
  'user info denied',
  'user info empty',
  'offline',
  /** WeChat's own gateway stops each request before it reaches the server. */
  'gateway busy',
  'storage throws',
  /** Every call throws at once. */
  'wx throws',
  /** Whatever is called back is called back twice. */
  'wx repeats itself',
] as const

/** What can hang: the next ones of it never call back. */
export type Hanging = 'login' | 'userInfo' | 'request'

export type TransferApi = 'request' | 'uploadFile' | 'downloadFile' | 'connectSocket'

/** A call of `wx.login`. */
export interface LoginSent {
  run: number
  at: number
  isOver: boolean
}

/** A request, upload, download or handshake. */
export interface Sent {
  run: number
  at: number
  api: TransferApi
  url: string
  method: string
  header: Record<string, string>
  /** The code that it offers for a session, or what it names its session by. */
  code: string | undefined
  isLogin: boolean
  isAborted: boolean
  /** Whether nobody can abort it: whoever wraps `wx` gives no task. */
  isStuck?: boolean
  /** Whether a gateway has kept it from the server. */
  isStopped: boolean
  isOver: boolean
  /** Whether the client is told of the header of its answer. */
  hasHeader: boolean
  /** What the server has answered, and is on its way. */
  coming?: Answer
  /** What it was answered, once it is over. */
  answer?: Answer
}

/** Who looks at what the client does. Is told before the client is called back. */
export interface Watcher {
  login(login: LoginSent): void
  /** A code was given to the client. */
  code(code: string): void
  send(sent: Sent): void
  answer(sent: Sent): void
  /** A callback of the client threw. */
  threw(error: unknown): void
}

/** A phone with one mini program, which is killed and started again. */
export interface Phone {
  readonly faults: Set<PhoneFault>
  readonly storage: Map<string, string>
  readonly logins: readonly LoginSent[]
  readonly sent: readonly Sent[]
  /** What was sent and is not over, aborted ones apart. */
  running(): Sent[]
  /** Starts the program: its `wx`. What the one before had running dies silently. */
  start(): Wx
  hang(what: Hanging, times: number): void
  enterBackground(): void
  enterForeground(): void
  switchNetwork(): void
  /** Nothing is wrong any more. */
  heal(): void
}

interface Situation {
  clock: VirtualClock
  random: Random
  server: ModelServer
  watcher: Watcher
  /** ms for one way of an answer, a code, and so on. */
  latency(): number
  /** Whether tasks have `onHeadersReceived`, as they do since base library 2.4.0. */
  hasHeaderEvents: boolean
}

interface Transfer {
  sent: Sent
  fail(error: WxError): void
}

type Outcome<Result> = { success: Result } | { fail: WxError }

/** What is common to the options of the three ways to send. */
interface TransferOptions<Result> {
  url: string
  header?: Record<string, string>
  method?: string
  timeout?: number
  success?(result: Result): void
  fail?(error: WxError): void
  complete?(result: Result | WxError): void
}

export function createPhone(situation: Situation): Phone {
  const { clock, random, server, watcher, latency, hasHeaderEvents } = situation
  const faults = new Set<PhoneFault>()
  const storage = new Map<string, string>()
  const logins: LoginSent[] = []
  const sent: Sent[] = []
  const transfers = new Set<Transfer>()
  const hanging: Record<Hanging, number> = { login: 0, userInfo: 0, request: 0 }
  let run = 0
  let isInBackground = false
  let stopGrace = (): void => {}

  return {
    faults,
    storage,
    logins,
    sent,
    running: () => [...transfers].map(({ sent }) => sent).filter(({ isAborted }) => !isAborted),
    start,
    hang(what, times) {
      hanging[what] = times
    },
    enterBackground() {
      if (isInBackground) return
      isInBackground = true
      // developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html
      stopGrace = clock.after(5000, () => failAll({ errMsg: 'request:fail interrupted', errno: 600003 }))
    },
    enterForeground,
    switchNetwork: () => failAll({ errMsg: 'request:fail errcode:-21 ERR_NETWORK_CHANGED', errno: 600001 }),
    heal() {
      faults.clear()
      Object.assign(hanging, { login: 0, userInfo: 0, request: 0 })
      enterForeground()
    },
  }

  function enterForeground(): void {
    isInBackground = false
    stopGrace()
  }

  function failAll(error: WxError): void {
    for (const transfer of [...transfers]) transfer.fail(error)
  }

  function start(): Wx {
    run++
    transfers.clear()
    enterForeground()
    const mine = run

    return {
      login: (options) => logIn(mine, options),
      getUserInfo: (options) => getUserInfo(mine, options),
      request: (options) => transfer(mine, 'request', options, (answer) => responseTo(options, answer)),
      uploadFile: (options: WxUploadOptions) =>
        transfer(mine, 'uploadFile', { ...options, method: 'POST' }, ({ status, body }) => ({
          data: textOf(body),
          statusCode: status,
          errMsg: 'uploadFile:ok',
        })),
      downloadFile: (options: WxDownloadOptions) =>
        transfer(mine, 'downloadFile', options, ({ status }) => ({
          statusCode: status,
          tempFilePath: 'wxfile://tmp',
          errMsg: 'downloadFile:ok',
        })),
      connectSocket: (options) => connect(mine, options),
      getStorageSync: (key) => stored(mine, () => JSON.parse(storage.get(key) ?? '""')),
      setStorageSync: (key, value) => stored(mine, () => storage.set(key, JSON.stringify(value) ?? '')),
      removeStorageSync: (key) => stored(mine, () => storage.delete(key)),
      getAccountInfoSync: () => ({ miniProgram: { appId: 'wx0123456789abcdef', envVersion: 'release' } }),
    }
  }

  function logIn(mine: number, options: Parameters<Wx['login']>[0]): void {
    throwIfAsked()
    if (mine !== run) return
    const login: LoginSent = { run, at: clock.now(), isOver: false }
    logins.push(login)
    watcher.login(login)
    if (takeHang('login')) return

    later(mine, latency(), () => {
      login.isOver = true
      if (faults.has('wx.login fails') || faults.has('offline')) {
        callSafely(options.fail, { errMsg: 'login:fail system error', errno: -1 })
      } else if (faults.has('wx.login gives no code')) {
        callSafely(options.success, { errMsg: 'login:ok' } as { errMsg: string; code: string })
      } else {
        const code = server.newCode()
        watcher.code(code)
        callSafely(options.success, { code })
      }
    })
  }

  function getUserInfo(mine: number, options: Parameters<NonNullable<Wx['getUserInfo']>>[0]): void {
    throwIfAsked()
    if (mine !== run || takeHang('userInfo')) return

    later(mine, latency(), () => {
      if (faults.has('user info denied')) callSafely(options.fail, { errMsg: 'getUserInfo:fail auth deny' })
      else callSafely(options.success, faults.has('user info empty') ? {} : server.userInfo())
    })
  }

  /** Sends: one way to the server, which answers whoever waits for it, and the way back. */
  function transfer<Result>(
    mine: number,
    api: TransferApi,
    options: TransferOptions<Result>,
    resultOf: (answer: Answer) => Result,
  ): WxTask {
    throwIfAsked()
    const sending = sentBy(mine, api, options)
    const listeners = new Set<(result: { header: Record<string, unknown> }) => void>()
    const self: Transfer = { sent: sending, fail: (error) => end({ fail: error }) }
    const task: WxTask = {
      abort() {
        if (mine !== run || sending.isOver || sending.isAborted) return
        sending.isAborted = true
        // Now and then too late: what was answered by then still arrives.
        if (random() < 0.8) later(mine, 0, () => self.fail({ errMsg: `${api}:fail abort` }))
      },
      ...(hasHeaderEvents && {
        onHeadersReceived: (listener: (result: { header: Record<string, unknown> }) => void) =>
          void listeners.add(listener),
        offHeadersReceived: (listener?: (result: { header: Record<string, unknown> }) => void) =>
          void (listener === undefined ? listeners.clear() : listeners.delete(listener)),
      }),
    }
    if (mine !== run) return task

    sent.push(sending)
    transfers.add(self)
    watcher.send(sending)
    begin()
    return task

    function begin(): void {
      if (sending.isStopped) failLater({ errCode: 102020, message: 'gateway.call: fail, code: 102020' })
      else if (faults.has('offline'))
        failLater({ errMsg: `${api}:fail ERR_INTERNET_DISCONNECTED`, errno: 600001 })
      else if (isInBackground) failLater({ errMsg: `${api}:fail interrupted`, errno: 600003 })
      else if (!takeHang('request')) {
        clock.after(latency(), reachServer)
        const timeout = options.timeout ?? 60_000
        later(mine, timeout, () => self.fail({ errMsg: `${api}:fail timeout`, errno: 5 }))
      }
    }

    function failLater(error: WxError): void {
      later(mine, Math.min(latency(), 20), () => self.fail(error))
    }

    /** Also when nobody waits for the answer any more: what was sent is on its way. */
    function reachServer(): void {
      const answer = server.answer(sending)
      sending.coming = answer
      later(mine, latency(), () => {
        if (sending.isOver) return
        const header = random() < 0.5 ? answer.header : inLowerCase(answer.header)
        for (const listener of [...listeners]) callSafely(listener, { header })
        sending.answer = { ...answer, header }
        watcher.answer(sending)
        end({ success: resultOf(sending.answer) })
      })
    }

    function end(outcome: Outcome<Result>): void {
      if (!transfers.delete(self)) return
      sending.isOver = true
      if ('success' in outcome) callSafely(options.success, outcome.success)
      else callSafely(options.fail, outcome.fail)
      callSafely(options.complete, 'success' in outcome ? outcome.success : outcome.fail)
    }
  }

  /** A socket: it is there at once, and whether the handshake succeeds is for who listens to it. */
  function connect(mine: number, options: WxSocketOptions): WxSocketTask {
    throwIfAsked()
    const sending = { ...sentBy(mine, 'connectSocket', options), isOver: true }
    let fail = (_error: WxError): void => {}
    let open = (_result: { header: Record<string, unknown> }): void => {}
    const socket: WxSocketTask = {
      send: () => {},
      close: () => {},
      onOpen(listener) {
        open = (result) => callSafely(listener, result)
      },
      onMessage: () => {},
      onClose: () => {},
      onError(listener) {
        fail = (error) => callSafely(listener, error)
      },
    }
    if (mine !== run) return socket

    sent.push(sending)
    watcher.send(sending)
    later(mine, 0, () => callSafely(options.success, { errMsg: 'connectSocket:ok' }))
    clock.after(latency(), () => {
      const answer = server.answer(sending)
      later(mine, latency(), () => {
        sending.answer = answer
        watcher.answer(sending)
        const { refusal, header } = answer
        if (refusal !== undefined) fail({ errMsg: 'Invalid HTTP status.' })
        else open({ header })
      })
    })
    return socket
  }

  function sentBy(mine: number, api: TransferApi, options: TransferOptions<never> | WxSocketOptions): Sent {
    const header = { ...options.header }
    return {
      run: mine,
      at: clock.now(),
      api,
      url: options.url,
      method: ('method' in options && options.method?.toUpperCase()) || 'GET',
      header,
      code: isLogin(header)
        ? ourHeader(header, 'code')
        : (server.sessions.credentialIn(header) ?? ourHeader(header, 'code')),
      isLogin: isLogin(header),
      hasHeader: api === 'request' || hasHeaderEvents || api === 'connectSocket',
      isAborted: false,
      isStopped: api === 'request' && faults.has('gateway busy'),
      isOver: false,
    }
  }

  function throwIfAsked(): void {
    if (faults.has('wx throws')) throw new Error('wx:fail parameter error')
  }

  function stored<T>(mine: number, work: () => T): T | undefined {
    if (mine !== run) return undefined
    if (faults.has('storage throws')) throw new Error('storage:fail')
    return work()
  }

  /** Calls back in `ms` milliseconds, if the program that waits is still the one that runs. */
  function later(mine: number, ms: number, action: () => void): void {
    clock.after(ms, () => {
      if (mine === run) action()
    })
  }

  function takeHang(what: Hanging): boolean {
    hanging[what]--
    return hanging[what] >= 0
  }

  function callSafely<Argument>(
    callback: ((argument: Argument) => void) | undefined,
    argument: Argument,
  ): void {
    try {
      callback?.(argument)
      if (faults.has('wx repeats itself')) callback?.(argument)
    } catch (error) {
      watcher.threw(error)
    }
  }
}

function responseTo(options: WxRequestOptions, { status, header, body }: Answer) {
  return { data: bodyAs(options, body), statusCode: status, header, errMsg: 'request:ok' }
}

/** As `wx.request` does: bytes when asked, else parsed when it can be, unless the caller says it is not JSON. */
function bodyAs(options: WxRequestOptions & { responseType?: unknown; dataType?: unknown }, body: unknown) {
  if (options.responseType === 'arraybuffer') return new TextEncoder().encode(textOf(body)).buffer
  return options.dataType === 'text' ? textOf(body) : body
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '')
}

function inLowerCase(header: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]))
}
