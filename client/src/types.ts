import type { SessionError } from './errors.js'
import type {
  Header,
  Wx,
  WxDownloadOptions,
  WxDownloadResponse,
  WxRequestOptions,
  WxResponse,
  WxSocketOptions,
  WxSocketTask,
  WxUploadOptions,
  WxUploadResponse,
} from './wx.js'

/** What is sent at login beside the code. */
export interface UserData {
  rawData: string
  signature: string
}

export interface SessionOptions {
  /** Where relative URLs belong, such as `https://api.example.com`. Its origin gets the session. Without it, and without `origins`, nobody does. */
  baseUrl?: string
  /** Further origins that get the session; `['*']`: all of them, as in 2016. */
  origins?: string[]
  /**
   * What a login says of the user beside the code: `'none'` (default) nothing, so that nobody is asked for private data;
   * `'userInfo'` (default for servers of 2016) what `wx.getUserInfo` gives; a function may get it elsewhere. When there is
   * nothing, or the server refuses its signature, the login goes on by code alone.
   */
  profile?: 'userInfo' | 'none' | (() => UserData | undefined | Promise<UserData | undefined>)
  /**
   * Sent as `Weapp-AppId`, for servers that have several mini programs; `true`: the one that this is. Default: not
   * sent.
   */
  appId?: string | true
  /**
   * A path below `baseUrl`, the server's `loginPath`: logins go there, as a POST with a JSON body, wherever something
   * else may answer the first request (a page, a gateway), or takes headers away, and for profiles that are too long
   * for headers. Default: a login goes with the first request.
   */
  loginPath?: string
  /**
   * A path below `baseUrl`, the server's `logoutPath`: `logout()` ends the session there too. A server that cannot be
   * reached is told later: when the network is back, after the next login, at the next launch. Default: it is not told.
   */
  logoutPath?: string
  /**
   * Default `'weapp-session'`: requests speak `Weapp-…`, and a login counts when the server has said
   * `Weapp-Login: accepted`. `'2016'`: a server that never says so, as the original of 2016. Requests speak
   * `X-WX-…`, which WeChat's gateway drops, and any answer below 500 accepts a login, until its origin has once said
   * that word. `'cookies'`: a server with sessions of its own (PHPSESSID, JSESSIONID), whose cookies are kept and sent;
   * nothing logs in by itself.
   */
  protocol?: 'weapp-session' | '2016' | 'cookies'
  /**
   * A service of WeChat's 云托管: requests go there by `wx.cloud.callContainer`, which tells it who the user is, so
   * nothing logs in, and `baseUrl` is not needed. There are no uploads, downloads and sockets to it.
   */
  cloud?: {
    /** The id of the environment, such as `prod-1g2h3`. */
    env: string
    /** The name of the service in it. */
    service: string
  }
  /** ms for `wx.login`, and as many for the profile. Default 10,000. */
  loginTimeout?: number
  /**
   * ms until an answer begins, with the login and all repetitions before. What moves (headers, chunks, progress) runs on,
   * for as long as it does so every `deadline` or `timeout` ms, whichever is longer. Default 60,000.
   */
  deadline?: number
  /** Where the session is kept between launches. Default: made of the appId, the version and the base. */
  storageKey?: string
  /** Default: the global `wx`, looked up at first use. */
  wx?: Wx
}

interface SessionCallbacks<Result> {
  success?(result: Result): void
  fail?(error: SessionError): void
  complete?(result: Result | SessionError): void
}

type WithCallbacks<Options, Result> = Omit<Options, 'success' | 'fail' | 'complete'> &
  SessionCallbacks<Result> &
  OwnOptions

/** What a call takes beside the options of `wx`. */
export interface OwnOptions {
  /** ms until the answer begins, in place of that of the session. */
  deadline?: number
  /**
   * `'required'` (default): it carries the session, and logs in where there is none. `'optional'`: where that cannot be
   * done, it goes out without, as in the single page that WeChat shows in 朋友圈, where `wx.login` fails. `'none'`: it goes
   * out as it is, once, without the session and its cookies.
   */
  session?: 'required' | 'optional' | 'none'
}

/** Options of `wx.request`, all passed on; and those of this client. */
export type RequestOptions<Data = unknown> = WithCallbacks<WxRequestOptions, WxResponse<Data>>
export type UploadOptions = WithCallbacks<WxUploadOptions, WxUploadResponse>
export type DownloadOptions = WithCallbacks<WxDownloadOptions, WxDownloadResponse>
export type SocketOptions = WithCallbacks<WxSocketOptions, WxSocketTask>

/** What a call has of a task of `wx`: it stays good through login, queue and replay. */
export interface SessionTask<Progress> {
  abort(): void
  onHeadersReceived(listener: (result: HeadersReceived) => void): void
  offHeadersReceived(listener?: (result: HeadersReceived) => void): void
  onChunkReceived(listener: (result: { data: ArrayBuffer }) => void): void
  offChunkReceived(listener?: (result: { data: ArrayBuffer }) => void): void
  onProgressUpdate(listener: (result: Progress) => void): void
  offProgressUpdate(listener?: (result: Progress) => void): void
}

export interface HeadersReceived {
  header: Record<string, unknown>
  statusCode: number
  cookies: string[]
}

export interface UploadProgress {
  /** Percent. */
  progress: number
  totalBytesSent: number
  totalBytesExpectedToSend: number
}

export interface DownloadProgress {
  /** Percent. */
  progress: number
  totalBytesWritten: number
  totalBytesExpectedToWrite: number
}

/**
 * A call: a promise of its result, and a task. What listens to it is moved to each attempt. Its rejection needs no
 * handler where there are callbacks.
 */
export type Call<Result, Progress = never> = Promise<Result> & SessionTask<Progress>

export interface Session {
  request<Data = unknown>(options: RequestOptions<Data>): Call<WxResponse<Data>>
  uploadFile(options: UploadOptions): Call<WxUploadResponse, UploadProgress>
  downloadFile(options: DownloadOptions): Call<WxDownloadResponse, DownloadProgress>
  /** Connects with the session in the handshake. The result is the task of `wx`: listen to it at once. */
  connectSocket(options: SocketOptions): Call<WxSocketTask>
  /** Makes sure that there is a session the server has accepted. */
  login(): Promise<void>
  /**
   * Forgets the session, here and in storage, and tells the server's `logoutPath`. Calls that are running for the old user
   * fail. Resolves when the server was told, or could not be.
   */
  logout(): Promise<void>
  /**
   * What a request to a URL carries beside the app's own header, for requests that are made without this client. Logs in
   * where there is no session. Ask before each of them: an answer that is not heard here cannot bring the next credential.
   * `{}` for origins that do not get the session. Default: the base.
   *
   * @example
   * wx.request({ url: 'https://api.example.com/me', header: await session.headers('/me') })
   */
  headers(url?: string): Promise<Header>
  /** Aborts all calls that are running: `ERR_ABORTED`. */
  cancelAll(): void
  /** Called when a session begins (`true`) or ends (`false`). Returns a function that stops it. */
  onChange(listener: (isLoggedIn: boolean) => void): () => void
}
