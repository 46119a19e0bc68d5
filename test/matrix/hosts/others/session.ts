/// <reference types="miniprogram-api-typings" />
import { createSession, type Session } from 'weapp-session-client'

// No types of these hosts are published. QQ's has WeChat's calls; of the others, what their documents say of these calls.
declare const qq: WechatMiniprogram.Wx
declare const ks: Host<{ code: string; gatewayTicket?: string }>
declare const swan: Host<{ code: string; errNo?: string }>

interface Answer {
  data: string | object | ArrayBuffer
  statusCode: number
  header: object
}

interface Callbacks<Result> {
  success?: (result: Result) => void
  fail?: (error: { errMsg?: string; errCode?: number }) => void
  complete?: () => void
}

interface Host<Login> {
  login(options?: Callbacks<Login>): void
  request(
    options: {
      url: string
      method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
      data?: object | string
      header?: object
      dataType?: 'json' | 'string'
    } & Callbacks<Answer>,
  ): { abort: () => void }
  uploadFile(options: { url: string; filePath: string; name: string } & Callbacks<Answer>): {
    abort: () => void
    onProgressUpdate: (listener: (result: { progress: number; totalBytesSent: number }) => void) => void
  }
  getStorageSync(key: string): unknown
  setStorageSync(key: string, data: unknown): void
  removeStorageSync(key: string): void
}

export const sessions: Session[] = [qq, ks, swan].map((wx) =>
  createSession({ baseUrl: 'https://api.example.com', wx }),
)
