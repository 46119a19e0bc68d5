import type { Callbacks } from './wx-callbacks.js'

/** Calls of `wx` about the one socket that there was before there were several: the latest. */
export interface WxGlobalSocketApis {
  onSocketOpen(listener: (event: { header: Record<string, string> }) => void): void
  onSocketMessage(listener: (event: { data: string | ArrayBuffer }) => void): void
  onSocketError(listener: (event: { errMsg: string }) => void): void
  onSocketClose(listener: (event: { code: number; reason: string }) => void): void
  sendSocketMessage(options: { data: string | ArrayBuffer } & Callbacks): void
  closeSocket(options?: { code?: number; reason?: string } & Callbacks): void
}
