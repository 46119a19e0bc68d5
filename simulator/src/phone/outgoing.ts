import type { Platform } from '../servers/endpoints.js'
import { refererOf } from '../servers/platform.js'
import { type Failure, failure } from './callbacks.js'
import type { EnvVersion } from './wx.js'

/** What a phone decides about everything that its app sends. */
export interface Sender {
  platform: Platform
  appId: string
  envVersion: EnvVersion
  /** Origins that the app may speak to; `undefined` when nobody checks. */
  domains: readonly string[] | undefined
  /** Where the phone is on the internet, as WeChat's own proxies tell the server. */
  ip: string
}

/** The address of a call, or why the app may not go there. */
export function addressOf(
  api: string,
  url: unknown,
  { domains }: Sender,
  protocols: readonly string[] = ['http:', 'https:'],
): URL | Failure {
  const address = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (address === undefined || !protocols.includes(address.protocol)) {
    return failure(api, `invalid url "${url}"`, 600009)
  }
  if (domains !== undefined && !domains.includes(address.origin)) {
    return failure(api, 'url not in domain list', 600002)
  }
  return address
}

/**
 * The app's headers as they are sent. The Referer is WeChat's own:
 * developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html
 */
export function headersOf(header: object | undefined, { platform, appId, envVersion }: Sender): Headers {
  const version = envVersion === 'release' ? 1 : 0
  return {
    ...withoutHeader(toText(header), 'referer'),
    Referer: refererOf(platform, appId, version),
  }
}

/** Headers by name. */
export type Headers = Record<string, string>

/** The headers, and this content type instead of any that the app gave. */
export function withContentType(headers: Headers, contentType: string): Headers {
  return { ...withoutHeader(headers, 'content-type'), 'Content-Type': contentType }
}

/** The value of a header, whatever the case of its name. */
export function headerOf(headers: Headers, name: string): string | undefined {
  return Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1]
}

function withoutHeader(headers: Headers, name: string): Headers {
  return Object.fromEntries(Object.entries(headers).filter(([given]) => given.toLowerCase() !== name))
}

function toText(header: object | undefined): Headers {
  return Object.fromEntries(Object.entries(header ?? {}).map(([name, value]) => [name, String(value)]))
}

/** `a=1&b=2` of the fields of an object, as WeChat writes them into URLs and forms. */
export function queryOf(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(textOf(value))}`)
    .join('&')
}

/** A field's value as text: JSON if it is an object. */
export function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
