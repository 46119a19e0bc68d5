import type {
  Header,
  Wx,
  WxError,
  WxRequestOptions,
  WxSocketTask,
  WxTask,
} from '../../../client/src/index.js'

/** What becomes of a call: what `success` is given, a failure, or nothing at all. */
export type Reply =
  | { statusCode: number; data?: unknown; header?: Record<string, unknown> }
  | { errMsg: string; errno?: number; errCode?: number }
  | { errCode: number; message: string }
  | undefined

/** A call of `wx` that went out. */
export interface Sent {
  api: 'request' | 'uploadFile' | 'downloadFile' | 'connectSocket'
  url: string
  header: Header
  /** Answers it, where its script did not. */
  answer(reply: Reply): void
  /** Tells a listener of its task, such as `HeadersReceived`. */
  tell(event: string, result: unknown): void
  isAborted: boolean
}

export interface Script {
  /** What becomes of each call, in the next turn or when it is promised. Default: `welcome`, with status 200. */
  answer?(sent: Sent, n: number): Reply | Promise<Reply>
  /** What `success` of `wx.login` is given. Default: `{ code: 'code-1' }` and so on. */
  login?(n: number): unknown
  /** What `success` of `wx.getUserInfo` is given. */
  userInfo?: unknown
  stored?: Record<string, unknown>
}

export interface ScriptedPhone {
  wx: ScriptedWx
  sent: Sent[]
  counts: { login: number; getUserInfo: number }
  storage: Map<string, unknown>
}

/** Of the session server, which accepts a login if there is one. */
export const WELCOME: Reply = { statusCode: 200, data: 'welcome', header: { 'Weapp-Login': 'accepted' } }

/** Its `request` says what it takes: the client needs less of it. */
type ScriptedWx = Omit<Wx, 'request'> & { request(options: WxRequestOptions): WxTask }

/** A phone without a network: it says at once what the script says, so a test knows each turn of events. */
export function scriptedPhone({
  answer = () => WELCOME,
  login,
  userInfo,
  stored = {},
}: Script = {}): ScriptedPhone {
  const sent: Sent[] = []
  const counts = { login: 0, getUserInfo: 0 }
  const storage = new Map(Object.entries(stored))
  const wx: ScriptedWx = {
    login({ success }) {
      counts.login += 1
      const result = login ? login(counts.login) : { code: `code-${counts.login}` }
      queueMicrotask(() => success?.(result as { code: string }))
    },
    getUserInfo({ success }) {
      counts.getUserInfo += 1
      queueMicrotask(() => success?.((userInfo ?? { rawData: '{}', signature: 'signed' }) as object))
    },
    request: caller('request'),
    uploadFile: caller('uploadFile'),
    downloadFile: caller('downloadFile'),
    connectSocket: caller('connectSocket') as unknown as (options: AnyOptions) => WxSocketTask,
    getStorageSync: (key) => storage.get(key) ?? '',
    setStorageSync: (key, value) => void storage.set(key, value),
    removeStorageSync: (key) => void storage.delete(key),
    getAccountInfoSync: () => ({ miniProgram: { appId: 'wx1', envVersion: 'release' } }),
  }
  return { wx, sent, counts, storage }

  function caller(api: Sent['api']) {
    return (options: AnyOptions): WxTask => {
      const listeners: Record<string, ((result: never) => void)[]> = {}
      const one: Sent = {
        api,
        url: options.url,
        header: { ...options.header },
        answer: reply,
        tell,
        isAborted: false,
      }
      sent.push(one)
      const n = sent.length
      queueMicrotask(async () => reply(await answer(one, n)))
      const abort = () => {
        one.isAborted = true
        options.fail?.({ errMsg: `${api}:fail abort` })
      }
      const task: Record<string, unknown> = { abort, close: abort }
      for (const event of ['HeadersReceived', 'ChunkReceived', 'ProgressUpdate', 'Open', 'Error', 'Close']) {
        task[`on${event}`] = (listener: (result: never) => void) => {
          listeners[event] = [...(listeners[event] ?? []), listener]
        }
      }
      return task as unknown as WxTask

      function tell(event: string, result: unknown): void {
        for (const listener of listeners[event] ?? []) listener(result as never)
      }

      function reply(reply: Reply): void {
        if (!reply || one.isAborted) return
        if (!('statusCode' in reply)) {
          options.fail?.(reply)
          return
        }
        // Only the answer to a request has a header; the tasks of the others hear of it.
        const { header, ...rest } = reply
        if (header) tell('HeadersReceived', { header })
        const data = api === 'downloadFile' ? {} : { data: rest.data ?? '' }
        options.success?.({
          statusCode: rest.statusCode,
          ...data,
          ...(api === 'request' && { header: header ?? {} }),
          errMsg: `${api}:ok`,
        } as never)
      }
    }
  }
}

interface AnyOptions {
  url: string
  header?: Header
  success?(result: never): void
  fail?(error: WxError): void
}
