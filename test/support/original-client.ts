import type { Phone } from '../../simulator/src/index.js'
import { MAGIC_ID, type RefusalBody } from '../../src/protocol.js'

export interface OriginalOptions {
  url: string
  method?: 'GET' | 'POST'
  data?: object
  success?: (result: { data: unknown }) => void
  fail?: (error: unknown) => void
}

/**
 * What the weapp-session-client of 2016 does on the wire, its weaknesses included: calls that start together
 * share one login and all send it; a code counts as a session at once; the two reasons it knows make it log in
 * again, four tries in all; whatever the status, it reads the body.
 */
export function originalClient(phone: Phone): (options: OriginalOptions) => void {
  let currentCode: string | undefined
  let pending: Promise<Record<string, string>> | undefined

  return function request(options) {
    attempt(options, 4)
  }

  async function attempt(options: OriginalOptions, triesLeft: number): Promise<void> {
    if (triesLeft === 0) return options.fail?.(new Error('too many tries'))
    const header = await credential()
    phone.wx.request({
      url: options.url,
      ...(options.method && { method: options.method }),
      ...(options.data && { data: options.data }),
      header,
      success({ data }) {
        // What is no JSON is a text: of Koa, for an error of a handler.
        const body = Object(data) as Partial<RefusalBody>
        if (!(MAGIC_ID in body)) return options.success?.({ data })
        if (body.reason !== 'ERR_SESSION_EXPIRED' && body.reason !== 'ERR_SESSION_KEY_EXCHANGE_FAILED') {
          return options.fail?.(body.error)
        }
        currentCode = undefined
        attempt(options, triesLeft - 1)
      },
      fail: (error) => options.fail?.(error),
    })
  }

  async function credential(): Promise<Record<string, string>> {
    if (currentCode) return { 'X-WX-Code': currentCode }
    pending ??= logIn()
    return pending
  }

  async function logIn(): Promise<Record<string, string>> {
    const { code } = await called(phone.wx.login)
    const { rawData, signature } = await called(phone.wx.getUserInfo)
    currentCode = code
    pending = undefined
    return { 'X-WX-Code': code, 'X-WX-RawData': encodeURIComponent(rawData), 'X-WX-Signature': signature }
  }
}

function called<Result>(
  api: (callbacks: { success: (result: Result) => void; fail: (error: unknown) => void }) => void,
): Promise<Result> {
  return new Promise((success, fail) => api({ success, fail }))
}
