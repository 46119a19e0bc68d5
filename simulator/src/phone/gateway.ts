import type { Clock } from '../clock.js'
import { randomCallId } from '../servers/ids.js'
import { refererOf } from '../servers/platform.js'
import type { Message } from './http-client.js'
import type { Headers, Sender } from './outgoing.js'
import type { Route } from './route.js'
import type { HeadersReceived } from './wx.js'

/**
 * Whether `wx.request()` goes through WeChat's gateway (微信网关).
 *
 * - `off` (default): it goes straight to the server.
 * - `auto`: one-click access (一键接入). A request that the gateway refuses is repeated without it.
 * - `manual`: what the gateway refuses fails, as with the `wx.request` that WeChat's page on manual access (手动接入)
 *   writes over, or when one-click access does not repeat.
 *
 * Source: 接入网关后的请求差异, developers.weixin.qq.com/miniprogram/security/gateway/config/differ.html
 */
export type GatewayAccess = 'off' | 'auto' | 'manual'

/** How a phone uses WeChat's gateway: {@link GatewayAccess} alone, or with what becomes of response headers. */
export type GatewaySetting =
  | GatewayAccess
  | {
      access: GatewayAccess
      /**
       * Whether response headers whose names begin with `x-wx-` reach the app. WeChat says that it drops them from
       * requests, and nothing about responses: try both. Default `kept`.
       */
      responseHeaders?: 'kept' | 'dropped'
    }

/**
 * The codes after which one-click access repeats a request by itself: 错误码与错误处理,
 * developers.weixin.qq.com/miniprogram/security/gateway/info/errorcode.html
 */
const ERR_CODES = new Set([102003, 102006, 102016, 102020, 102021, 102022, 104100, -601001, -601008, -601069])

/** What the gateway must know of the phone. */
export interface GatewaySituation {
  clock: Clock
  sender: Sender
  gateway(): GatewaySetting
}

/** The way of `wx.request()` through the gateway; none when it is off. */
export function gatewayOf(phone: GatewaySituation): Route | undefined {
  const setting = phone.gateway()
  const access = typeof setting === 'string' ? setting : setting.access
  return access === 'off' ? undefined : gatewayRoute(phone, access)
}

/** The way through the gateway. */
export function gatewayRoute({ clock, sender, gateway }: GatewaySituation, access: 'auto' | 'manual'): Route {
  const setting = gateway()
  const dropsResponseHeaders = typeof setting === 'object' && setting.responseHeaders === 'dropped'

  return {
    // With a blank, in WeChat's page.
    errMsg: 'gateway.call: ok',
    unreached: -601069,
    timedOut: -601008,
    outgoing: (message) => arriving(message, sender),
    incoming: (head) => (dropsResponseHeaders ? withoutReserved(head) : head),

    failure(errCode) {
      const message = `gateway.call: fail wx system error , code: ${errCode}, callid: ${randomCallId(clock.now())}`
      // WeChat's page shows errCode and message. That errMsg is the same text is a guess.
      return { failure: { errMsg: message, errCode, message } }
    },

    isRepeated: (errCode) => access === 'auto' && ERR_CODES.has(errCode),
  }
}

function arriving({ url, headers, ...rest }: Message, { appId, ip }: Sender): Message {
  const encoded = new URL(url)
  encoded.search = encodedQuery(url.search)
  return { ...rest, url: encoded, headers: arrivingHeaders(headers, appId, ip) }
}

function arrivingHeaders(headers: Headers, appId: string, ip: string): Headers {
  const lowerCase = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    ...Object.fromEntries(lowerCase.filter(([name]) => !isReserved(name))),
    referer: refererOf('wechat', appId, 0),
    'user-agent': 'Mozilla/4.0',
    'x-wx-client-ip': ip,
    'x-forwarded-for': ip,
    'x-real-ip': ip,
  }
}

/** Names and values with what was not encoded put through encodeURIComponent; a `+` is one of those. */
function encodedQuery(search: string): string {
  const pairs = search.replace(/^\?/, '').split('&')
  return pairs
    .map((pair) => {
      const [name = '', ...values] = pair.split('=')
      return values.length === 0 ? encoded(name) : `${encoded(name)}=${encoded(values.join('='))}`
    })
    .join('&')
}

function encoded(text: string): string {
  return text.replace(/%[0-9a-f]{2}|./gi, (one) => (one.length === 3 ? one : encodeURIComponent(one)))
}

function withoutReserved({ header, ...head }: HeadersReceived): HeadersReceived {
  return { ...head, header: Object.fromEntries(Object.entries(header).filter(([name]) => !isReserved(name))) }
}

/** Is this a header that WeChat keeps for itself? */
export function isReserved(name: string): boolean {
  return name.toLowerCase().startsWith('x-wx-')
}
