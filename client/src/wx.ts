/**
 * What the client needs of `wx`, and nothing more: WeChat's own object fits, and so does any other that has these
 * (developers.weixin.qq.com/miniprogram/dev/api).
 */
export interface Wx {
  login(options: {
    timeout?: number
    success?(result: { code: string }): void
    fail?(error: WxError): void
  }): unknown
  getUserInfo?(options: {
    success?(result: { rawData?: string; signature?: string }): void
    fail?(error: WxError): void
  }): unknown
  // Of what these take, each host names the methods, data and answers that it knows: only what all need is compared.
  request(options: { url: string }): WxTask
  uploadFile?(options: { url: string; filePath: string; name: string }): unknown
  downloadFile?(options: { url: string }): unknown
  connectSocket?(options: { url: string }): unknown
  /** WeChat's 云托管. */
  cloud?: { callContainer?(options: never): unknown }
  getStorageSync(key: string): unknown
  setStorageSync(key: string, value: unknown): void
  removeStorageSync(key: string): void
  getAccountInfoSync?(): { miniProgram: { appId: string; envVersion?: string } }
  getPrivacySetting?(options: {
    success?(result: { needAuthorization?: boolean }): void
    fail?(error: WxError): void
  }): unknown
  onNetworkStatusChange?(listener: (result: { isConnected: boolean }) => void): void
}

/** What `fail` of any call of `wx` is given. */
export interface WxError {
  errMsg?: string
  errno?: number
  /** What WeChat's gateway and `wx.cloud` say in place of them. */
  errCode?: number
  message?: string
}

export type Header = Record<string, string>

/** What `success` of `wx.request` is given, for whatever status. */
export interface WxResponse<Data = unknown> {
  data: Data
  statusCode: number
  header: Record<string, unknown>
  cookies?: string[]
  errMsg: string
}

/** `wx.uploadFile`: data is always text, and there is no header. */
export interface WxUploadResponse {
  data: string
  statusCode: number
  errMsg: string
}

/** `wx.downloadFile`: a file (where it was asked to be, or in a temporary place), and neither data nor header. */
export interface WxDownloadResponse {
  statusCode: number
  tempFilePath?: string
  filePath?: string
  errMsg: string
}

interface Callbacks<Result> {
  success?(result: Result): void
  fail?(error: WxError): void
  complete?(result: Result | WxError): void
}

export interface WxRequestOptions extends Callbacks<WxResponse> {
  url: string
  header?: Header
  method?: string
  data?: string | object | ArrayBuffer
  timeout?: number
  dataType?: string
  responseType?: string
  redirect?: string
  enableCache?: boolean
  enableChunked?: boolean
  enableHttp2?: boolean
  enableHttpDNS?: boolean
  enableHttpDNSFallback?: boolean
  enableProfile?: boolean
  enableQuic?: boolean
  forceCellularNetwork?: boolean
  httpDNSServiceId?: string
  httpDNSTimeout?: number
  useHighPerformanceMode?: boolean
}

export interface WxUploadOptions extends Callbacks<WxUploadResponse> {
  url: string
  filePath: string
  name: string
  header?: Header
  formData?: object
  timeout?: number
  enableHttp2?: boolean
  enableProfile?: boolean
  enableQuic?: boolean
}

export interface WxDownloadOptions extends Callbacks<WxDownloadResponse> {
  url: string
  filePath?: string
  header?: Header
  timeout?: number
  enableHttp2?: boolean
  enableProfile?: boolean
  enableQuic?: boolean
}

export interface WxSocketOptions {
  url: string
  header?: Header
  protocols?: string[]
  timeout?: number
  perMessageDeflate?: boolean
  tcpNoDelay?: boolean
  forceCellularNetwork?: boolean
  success?(result: { errMsg: string }): void
  fail?(error: WxError): void
}

/** What is needed of what `wx` gives for a call that is running. Which listeners there are depends on the call. */
export interface WxTask {
  abort(): void
  onHeadersReceived?(listener: (result: { header: Record<string, unknown> }) => void): void
  offHeadersReceived?(listener: (result: { header: Record<string, unknown> }) => void): void
  onChunkReceived?(listener: (result: { data: ArrayBuffer }) => void): void
  offChunkReceived?(listener: (result: { data: ArrayBuffer }) => void): void
  onProgressUpdate?(listener: (result: { progress: number }) => void): void
  offProgressUpdate?(listener: (result: { progress: number }) => void): void
}

export interface WxSocketTask {
  send(options: { data: string | ArrayBuffer; success?(): void; fail?(error: WxError): void }): void
  close(options: { code?: number; reason?: string; success?(): void; fail?(error: WxError): void }): void
  onOpen(listener: (result: { header: Record<string, unknown> }) => void): void
  onMessage(listener: (result: { data: string | ArrayBuffer }) => void): void
  onError(listener: (error: WxError) => void): void
  onClose(listener: (result: { code: number; reason: string }) => void): void
}
