import type { Callbacks, WxSuccess } from './wx-callbacks.js'

/** What `wx.cloud.init()` takes. */
export interface CloudInitOptions {
  /** The environment of calls that name none. */
  env?: string | undefined
  /** Ignored. */
  traceUser?: boolean | undefined
}

/** What `new wx.cloud.Cloud()` takes. */
export interface CloudOptions {
  /** The AppID of the app whose environment it is, when that is another one (资源复用). Default: this app. */
  resourceAppid?: string | undefined
  /** The environment of calls that name none. */
  resourceEnv?: string | undefined
}

/** Fields that `callContainer()` and `gateway.call()` have in common: they are as with `wx.request()`. */
interface CloudCallOptions {
  /** Default GET. */
  method?: string | undefined
  /** Values become text. */
  header?: object | undefined
  /** An object becomes the query of a GET, else JSON or a form by the content type. Text and buffers go as they are. */
  data?: string | object | ArrayBuffer | undefined
  /** Milliseconds; default 60,000. */
  timeout?: number | undefined
  /** `json` (default): the text is parsed if it is JSON. */
  dataType?: string | undefined
  /** `text` (default) or `arraybuffer`. */
  responseType?: string | undefined
}

/**
 * 调用云托管服务, developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/development/call/mini.html. What is not said here is
 * as with `wx.request()`; redirects are not followed.
 */
export interface CallContainerOptions<Data = unknown>
  extends CloudCallOptions,
    Callbacks<CallContainerResult<Data>> {
  /** Which environment; default that of `init()`. */
  config?: { env?: string | undefined } | undefined
  /** The path of the service, with a query if need be; `/` begins it. */
  path: string
  /** GET (default), POST, PUT or DELETE. */
  method?: string | undefined
  /**
   * `X-WX-SERVICE` says which service. Other names that begin with `x-wx-` are taken away: WeChat sets these itself.
   */
  header?: object | undefined
  /** Milliseconds, at most 15,000: a longer one does not count. Default 15,000 (a guess). */
  timeout?: number | undefined
}

/** Any status is a success. */
export interface CallContainerResult<Data = unknown> extends WxSuccess {
  data: Data
  statusCode: number
  header: Record<string, string>
  /** The id of the call. */
  callID: string
}

/** `gateway.call()`: 手动接入, developers.weixin.qq.com/miniprogram/security/gateway/start/manual.html */
export interface GatewayCallOptions<Data = unknown>
  extends CloudCallOptions,
    Callbacks<CallContainerResult<Data>> {
  /** Absolute: the server's own address. */
  url: string
  /** WeChat's page sends `X-WX-HTTP-MODE: REROUTE` with it. Nothing here asks for that. */
  header?: object | undefined
}

/** WeChat's gateway, called by hand: it refuses, and repeats nothing. */
export interface Gateway {
  /** Goes through the gateway, whatever `phone.gateway` says. A promise when there is nobody to call back. */
  call<Data = unknown>(options: GatewayCallOptions<Data>): undefined | Promise<CallContainerResult<Data>>
}

/** What has been initialised for one app's environments: an instance of `wx.cloud.Cloud`. */
export interface Cloud {
  /** Has to be called first. */
  init(): Promise<void>
  /**
   * Calls a service of 云托管, see `wechat.cloudRun()`. No login is needed: WeChat tells the service who the user is.
   *
   * It fails with an errCode: 102002 after the timeout, 102005 for another method, -606001 for a body of more than 100 KB,
   * and by guess -501000 for an environment or a service that is not there, -501001 for one that cannot be reached. A
   * promise when there is nobody to call back.
   *
   * @example
   * wx.cloud.init({ env: 'prod-0' })
   * const header = { 'X-WX-SERVICE': 'api' }
   * wx.cloud.callContainer({ path: '/me', header, success: ({ statusCode, data }) => console.log(statusCode, data) })
   */
  callContainer<Data = unknown>(
    options: CallContainerOptions<Data>,
  ): undefined | Promise<CallContainerResult<Data>>
  readonly services: {
    /** `domain` is where the console says that the gateway is; here there is one gateway. */
    Gateway(options?: { domain?: string | undefined }): Gateway
  }
}

/** `wx.cloud`: the environments of this app. */
export interface WxCloud extends Omit<Cloud, 'init'> {
  init(options?: CloudInitOptions): void
  /** For the environments of another app that shares them (资源复用). */
  readonly Cloud: new (
    options?: CloudOptions,
  ) => Cloud
}
