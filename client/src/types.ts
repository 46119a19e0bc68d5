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
  WxTask,
  WxUploadOptions,
  WxUploadResponse,
} from './wx.js'

/** What is sent at login beside the code. */
export interface UserData {
  rawData: string
  signature: string
}

export interface SessionOptions {
  /** Where relative URLs belong, such as `https://api.example.com`. Its origin gets the session. */
  baseUrl?: string
  /** Further origins that get the session. */
  origins?: string[]
  /**
   * What a login says of the user beside the code: `'userInfo'` (default) asks `wx.getUserInfo`, `'none'` nobody;
   * a function may get it elsewhere. When there is nothing, the login goes on with the code alone.
   */
  profile?: 'userInfo' | 'none' | (() => Promise<UserData | undefined>)
  /** ms for `wx.login`, and as many for the profile. Default 10,000. */
  loginTimeout?: number
  /** ms for a whole call with all its phases. Default 60,000. */
  deadline?: number
  /** Where the session is kept between launches. Default: made of the appId, the version and the origin. */
  storageKey?: string
  /** Default: the global `wx`, looked up at first use. */
  wx?: Wx
}

interface SessionCallbacks<Result> {
  success?(result: Result): void
  fail?(error: SessionError): void
  complete?(result: Result | SessionError): void
}

type WithCallbacks<Options, Result> = Omit<Options, 'success' | 'fail' | 'complete' | 'header'> & {
  header?: Header
} & SessionCallbacks<Result>

/** Options of `wx.request`, all passed on. */
export type RequestOptions<Data = unknown> = WithCallbacks<WxRequestOptions, WxResponse<Data>> &
  Record<string, unknown>
export type UploadOptions = WithCallbacks<WxUploadOptions, WxUploadResponse> & Record<string, unknown>
export type DownloadOptions = WithCallbacks<WxDownloadOptions, WxDownloadResponse> & Record<string, unknown>
export type SocketOptions = Omit<WxSocketOptions, 'success' | 'fail'> &
  SessionCallbacks<WxSocketTask> &
  Record<string, unknown>

/**
 * A call: a promise of its result, and a task that stays good through login, queue and replay. What listens to it
 * is moved to each attempt. Its rejection needs no handler where there are callbacks.
 */
export type Call<Result> = Promise<Result> & Required<WxTask>

export interface Session {
  request<Data = unknown>(options: RequestOptions<Data>): Call<WxResponse<Data>>
  uploadFile(options: UploadOptions): Call<WxUploadResponse>
  downloadFile(options: DownloadOptions): Call<WxDownloadResponse>
  /** Connects with the session in the handshake. The result is the task of `wx`: listen to it at once. */
  connectSocket(options: SocketOptions): Call<WxSocketTask>
  /** Makes sure that there is a session the server has accepted. */
  login(): Promise<void>
  /** Forgets the session, here and in storage. Calls that are running for the old user fail. */
  logout(): Promise<void>
  /** Called when a session begins (`true`) or ends (`false`). Returns a function that stops it. */
  onChange(listener: (isLoggedIn: boolean) => void): () => void
}
