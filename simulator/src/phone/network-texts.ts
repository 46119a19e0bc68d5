import type { PhoneSystem } from './device.js'

/** What a system of phones says when the network fails a call. Decide by errno: these texts differ, and change. */
export interface NetworkTexts {
  /** There is no network. */
  disconnected: string
  /** From one network to another. */
  changed: string
  /** The text for an error of Node's `http`. */
  of(error: NodeJS.ErrnoException): string
}

export function networkTexts(system: PhoneSystem): NetworkTexts {
  return system === 'ios' ? IOS : ANDROID
}

const CRONET_ERRORS: Readonly<Record<string, readonly [number, string]>> = {
  ECONNREFUSED: [-102, 'ERR_CONNECTION_REFUSED'],
  ECONNRESET: [-101, 'ERR_CONNECTION_RESET'],
  EPIPE: [-101, 'ERR_CONNECTION_RESET'],
  ENOTFOUND: [-105, 'ERR_NAME_NOT_RESOLVED'],
  EAI_AGAIN: [-105, 'ERR_NAME_NOT_RESOLVED'],
  ERR_FR_TOO_MANY_REDIRECTS: [-310, 'ERR_TOO_MANY_REDIRECTS'],
}

/** Cronet's names. */
const ANDROID: NetworkTexts = {
  disconnected: cronet(-106, 'ERR_INTERNET_DISCONNECTED'),
  changed: cronet(-21, 'ERR_NETWORK_CHANGED'),
  of: ({ code = '' }) => cronet(...(CRONET_ERRORS[code] ?? [-2, 'ERR_FAILED'])),
}

function cronet(code: number, name: string): string {
  return `errcode:${code} cronet_error_code:${code} error_msg:net::${name}`
}

/** The sentences of NSURLError, in the language of the phone. */
const IOS_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: '未能连接到服务器。',
  ECONNRESET: '网络连接已中断。',
  EPIPE: '网络连接已中断。',
  ENOTFOUND: '未能找到使用指定主机名的服务器。',
  EAI_AGAIN: '未能找到使用指定主机名的服务器。',
  ERR_FR_TOO_MANY_REDIRECTS: '过多的 HTTP 重定向。',
}

const IOS: NetworkTexts = {
  disconnected: '似乎已断开与互联网的连接。',
  changed: '网络连接已中断。',
  of: ({ code = '' }) => IOS_ERRORS[code] ?? '未知错误。',
}
