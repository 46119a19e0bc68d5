import { createHmac } from 'node:crypto'
import type { Wechat } from '../../simulator/src/index.js'

/** The JSON of an answer of WeChat's API. */
export type Json = Record<string, unknown> & { errcode?: number; errmsg?: string }

/** Calls of WeChat's API over real HTTP. */
export interface Calls {
  base: string
  get(path: string, query?: Record<string, string>): Promise<Json>
  /** `body`: an object becomes JSON, a text goes as it is. */
  post(path: string, query: Record<string, string>, body: object | string): Promise<Json>
  /** An access_token that is new. */
  token(): Promise<string>
  /** The query that proves with a session_key. */
  signed(openid: string, sessionKey: unknown): Promise<Record<string, string>>
}

export async function callsOf(wechat: Wechat): Promise<Calls> {
  const base = await wechat.listen()

  return { base, get, post, token, signed }

  async function get(path: string, query: Record<string, string> = {}): Promise<Json> {
    const response = await fetch(`${base}${path}?${new URLSearchParams(query)}`)
    return JSON.parse(await response.text())
  }

  async function post(path: string, query: Record<string, string>, body: object | string): Promise<Json> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${base}${path}?${new URLSearchParams(query)}`, {
      method: 'POST',
      body: text,
    })
    return JSON.parse(await response.text())
  }

  async function token(): Promise<string> {
    const { appId: appid, appSecret: secret } = wechat
    const { access_token } = await get('/cgi-bin/token', { grant_type: 'client_credential', appid, secret })
    return String(access_token)
  }

  async function signed(openid: string, sessionKey: unknown): Promise<Record<string, string>> {
    const signature = createHmac('sha256', String(sessionKey)).update('').digest('hex')
    return { access_token: await token(), openid, signature, sig_method: 'hmac_sha256' }
  }
}
