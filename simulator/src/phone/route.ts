import type { Failure } from './callbacks.js'
import type { Message } from './http-client.js'
import type { HeadersReceived } from './wx.js'

/** What of WeChat stands between a phone and a server: it changes what passes, and can refuse it. */
export interface Route {
  /** The `errMsg` of a success, where it is not that of the call. */
  readonly errMsg?: string
  /** The errCode of a server that could not be reached. */
  readonly unreached: number
  /** The errCode of an answer that came too late. */
  readonly timedOut: number
  /** What the server gets. */
  outgoing(message: Message): Message
  /** What the app gets. */
  incoming(head: HeadersReceived): HeadersReceived
  /** How the app hears that the route refused its call. */
  failure(errCode: number): Failure
  /** Whether a call that was refused so is made once more, without the route. */
  isRepeated(errCode: number): boolean
}
