import type { Failure } from './errors.js'
import type { OwnOptions } from './types.js'
import type { Header } from './wx.js'

/** What all calls of `wx` that are used here take. */
export interface WxOptions {
  url: string
  header?: Header | undefined
  method?: string
  data?: string | object | ArrayBuffer | undefined
  timeout?: number
  redirect?: string
  /** Of this client alone. */
  deadline?: number
  session?: OwnOptions['session']
  /** Of `weapp-session-client/http`: see there. */
  retries?: number
  /** What it waits for before it is sent, and what that changes in these options. */
  ready?: () => Promise<object>
  /** What is made of the answer: another, or a failure. */
  read?: (result: unknown, failWith: (failure: Failure) => void) => unknown
  /** A login as a body. */
  isLogin?: boolean
}
