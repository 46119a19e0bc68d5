import type { UserProfile } from '../user-info.js'
import type { Callbacks, WxSuccess } from './wx-callbacks.js'
import type { WxCloud } from './wx-cloud.js'
import type { WxDeviceApis } from './wx-device-apis.js'
import type { WxGlobalSocketApis } from './wx-global-socket-apis.js'
import type { WxPrefetchApis } from './wx-prefetch-apis.js'
import type { WxUserApis } from './wx-user-apis.js'

export type { Callbacks, WxFailure, WxSuccess } from './wx-callbacks.js'

export interface LoginOptions extends Callbacks<LoginResult> {
  /** Ignored, as developers report of WeChat: bring a timer of your own. */
  timeout?: number | undefined
  /** Of 抖音: with `false`, a phone on which nobody is logged in gives an anonymous code alone. Default true. */
  force?: boolean | undefined
}

export interface LoginResult extends WxSuccess {
  code: string
  /** Of 抖音: it is there when nobody is logged in, too. */
  anonymousCode?: string
  /** Of 抖音: whether somebody is logged in on the phone. */
  isLogin?: boolean
}

export interface GetUserInfoOptions extends Callbacks<GetUserInfoResult> {
  /** With `false`, the answer is not signed and no login is needed. Default true. */
  withCredentials?: boolean | undefined
  /** Ignored: WeChat answers in zh_CN since 2021. */
  lang?: string | undefined
}

export interface GetUserProfileOptions extends Callbacks<GetUserInfoResult> {
  /** What the profile is for, at most 30 characters: required. */
  desc: string
  /** Ignored, as with `getUserInfo`. */
  lang?: string | undefined
}

/** All but `userInfo` and `rawData` are missing when `withCredentials` is false. */
export interface GetUserInfoResult extends WxSuccess {
  userInfo: UserProfile
  rawData: string
  signature: string
  encryptedData: string
  iv: string
  cloudID: string
}

/** `developers.weixin.qq.com/miniprogram/dev/api/network/request/wx.request.html` */
export interface RequestOptions<Data = unknown> extends Callbacks<RequestResult<Data>> {
  /** Absolute, `http:` or `https:`. */
  url: string
  /** An object becomes the query of a GET or HEAD, else JSON or a form by the content type. Text and buffers go as they are. */
  data?: string | object | ArrayBuffer | undefined
  /** Values become text. `Referer` is ignored; a value that Node refuses to send makes the call fail. */
  header?: object | undefined
  /** Default GET. */
  method?: string | undefined
  /** Milliseconds from when the request starts; default 60,000. */
  timeout?: number | undefined
  /** `json` (default): the text is parsed if it is JSON. */
  dataType?: string | undefined
  /** `text` (default) or `arraybuffer`. */
  responseType?: string | undefined
  /** Reports the body piece by piece to `onChunkReceived`; the result has it all once more. */
  enableChunked?: boolean | undefined
  /** `follow` (default; up to 5, of a GET or HEAD) or `manual`. */
  redirect?: string | undefined
}

/** Any status is a success, 401 and 500 too. */
export interface RequestResult<Data = unknown> extends WxSuccess {
  data: Data
  statusCode: number
  /** Names as the server wrote them; several `Set-Cookie` are joined by a comma. */
  header: Record<string, string>
  cookies: string[]
}

export interface UploadFileOptions extends Callbacks<UploadFileResult> {
  url: string
  /** A file of the phone: see `phone.files`. */
  filePath: string
  /** The field that carries the file. */
  name: string
  /** More fields of the form. */
  formData?: object | undefined
  header?: object | undefined
  timeout?: number | undefined
}

/** No header and no cookies, and `data` is never parsed. */
export interface UploadFileResult extends WxSuccess {
  data: string
  statusCode: number
}

export interface DownloadFileOptions extends Callbacks<DownloadFileResult> {
  url: string
  /** Where to put the file; without it, `tempFilePath` says where it is. */
  filePath?: string | undefined
  header?: object | undefined
  timeout?: number | undefined
}

/** No header. The body is a file, whatever the status: see `phone.files`. */
export interface DownloadFileResult extends WxSuccess {
  statusCode: number
  tempFilePath?: string
  filePath?: string
}

export interface HeadersReceived {
  statusCode: number
  header: Record<string, string>
  cookies: string[]
}

export interface Progress {
  /** Percent. */
  progress: number
  totalBytesSent: number
  totalBytesExpectedToSend: number
  totalBytesWritten: number
  totalBytesExpectedToWrite: number
}

interface Task {
  /** Ends the call with `fail`, errMsg `…:fail abort`. Nothing when it has ended already. */
  abort(): void
  onHeadersReceived(listener: (headers: HeadersReceived) => void): void
  /** Without a listener: all of them. */
  offHeadersReceived(listener?: (headers: HeadersReceived) => void): void
}

/** A running `wx.request()`. */
export interface RequestTask extends Task {
  onChunkReceived(listener: (chunk: { data: ArrayBuffer }) => void): void
  offChunkReceived(listener?: (chunk: { data: ArrayBuffer }) => void): void
}

/** A running upload or download. Its progress is reported once, when everything has been sent or received. */
export interface TransferTask extends Task {
  onProgressUpdate(listener: (progress: Progress) => void): void
  offProgressUpdate(listener?: (progress: Progress) => void): void
}

/** `success` means that the socket was created: whether it opens, its events say. */
export interface ConnectSocketOptions extends Callbacks {
  /** Absolute, `ws:` or `wss:`. */
  url: string
  /** Sent with the handshake. Values become text. `Referer` is ignored. */
  header?: object | undefined
  /** Subprotocols to choose from. */
  protocols?: string[] | undefined
  /** Milliseconds that it may take to open; default 60,000. */
  timeout?: number | undefined
}

export interface SocketSendOptions extends Callbacks {
  data: string | ArrayBuffer
}

export interface SocketCloseOptions extends Callbacks {
  /** 1000 (default), or 3000 to 4999. */
  code?: number | undefined
  /** At most 123 bytes of UTF-8. */
  reason?: string | undefined
}

/** 1006 when there was no goodbye: no handshake, a network that went away, a server that fell over. */
export interface SocketClosed {
  code: number
  reason: string
}

/**
 * A socket. Listen in the turn in which it was made, or events may be missed. Whatever ends it once it was
 * created is one `onClose`, with an `onError` before it unless the app or the server closed it.
 */
export interface SocketTask {
  /** Fails unless it is open. */
  send(options: SocketSendOptions): void
  /** Before it is open: the handshake is given up, and `onClose` says 1006. */
  close(options?: SocketCloseOptions): void
  /** `header` is that of the answer to the handshake. */
  onOpen(listener: (event: { header: Record<string, string> }) => void): void
  onMessage(listener: (event: { data: string | ArrayBuffer }) => void): void
  onError(listener: (event: { errMsg: string }) => void): void
  onClose(listener: (event: SocketClosed) => void): void
}

export interface GetStorageOptions extends Callbacks<WxSuccess & { data: unknown }> {
  key: string
}

export interface SetStorageOptions extends Callbacks {
  key: string
  data: unknown
}

export interface RemoveStorageOptions extends Callbacks {
  key: string
}

export interface GetRandomValuesOptions extends Callbacks<WxSuccess & { randomValues: ArrayBuffer }> {
  /** Bytes, at most 1,048,576. */
  length: number
}

/** Why the app came to the foreground. */
export interface AppShow {
  path: string
  query: Record<string, string>
  scene: number
}

/** The network has come or gone. */
export interface NetworkStatus {
  isConnected: boolean
  networkType: 'wifi' | 'none'
}

/**
 * The part of WeChat's `wx` that a phone of the simulator has. `login`, `getUserInfo`, `getUserProfile` and
 * `getUserCryptoManager().getLatestUserKey` never return a promise, as in WeChat; the other calls with callbacks return one when
 * they are given none.
 */
export interface Wx extends WxUserApis, WxDeviceApis, WxGlobalSocketApis, WxPrefetchApis {
  login(options?: LoginOptions): void
  /** Asks about the session_key of the user's latest code, not about the one your server has. */
  checkSession(options?: Callbacks): undefined | Promise<WxSuccess>
  getUserInfo(options?: GetUserInfoOptions): void
  getUserProfile(options: GetUserProfileOptions): void
  /** `Data` is what you expect the body to be; nothing checks it. */
  request<Data = unknown>(options: RequestOptions<Data>): RequestTask
  uploadFile(options: UploadFileOptions): TransferTask
  downloadFile(options: DownloadFileOptions): TransferTask
  /** At most five at a time; needs the package `ws`. */
  connectSocket(options: ConnectSocketOptions): SocketTask
  /** A copy of what was stored, or `''`. */
  getStorageSync(key: string): unknown
  setStorageSync(key: string, data: unknown): void
  removeStorageSync(key: string): void
  clearStorageSync(): void
  getStorage(options: GetStorageOptions): undefined | Promise<WxSuccess & { data: unknown }>
  setStorage(options: SetStorageOptions): undefined | Promise<WxSuccess>
  removeStorage(options: RemoveStorageOptions): undefined | Promise<WxSuccess>
  clearStorage(options?: Callbacks): undefined | Promise<WxSuccess>
  getAccountInfoSync(): { miniProgram: { appId: string; envVersion: EnvVersion; version: string } }
  getRandomValues(
    options: GetRandomValuesOptions,
  ): undefined | Promise<WxSuccess & { randomValues: ArrayBuffer }>
  readonly cloud: WxCloud
  /** In 企业微信, which is `createWechat({ platform: 'wecom' })`. Its codes are for the enterprise's server. */
  readonly qy?: WxQy
  onNetworkStatusChange(listener: (status: NetworkStatus) => void): void
  offNetworkStatusChange(listener?: (status: NetworkStatus) => void): void
  onAppShow(listener: (show: AppShow) => void): void
  offAppShow(listener?: (show: AppShow) => void): void
  onAppHide(listener: () => void): void
  offAppHide(listener?: () => void): void
}

/** What 企业微信 adds: developer.work.weixin.qq.com/document/path/91506 */
export interface WxQy {
  login(options?: LoginOptions): void
  checkSession(options?: Callbacks): undefined | Promise<WxSuccess>
}

/** Which version of the mini program runs. */
export type EnvVersion = 'develop' | 'trial' | 'release'
