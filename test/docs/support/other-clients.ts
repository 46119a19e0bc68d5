/**
 * What clients of others do on the wire: which requests they send, what they keep, and when they log in again. Written after
 * wafer-client-sdk 0.8.4, wafer2-client-sdk 2.1.0 and weRequest 1.8.1, without what an app sees of them.
 */
import type { Phone } from '../../../simulator/src/index.js'
import { MAGIC_ID } from '../../../src/protocol.js'
import { newCode } from '../../support/wechat.js'

export interface OtherClient {
  /** The answer that the app gets. Rejects with what its `fail` gets. */
  request(path: string, method?: 'GET' | 'POST'): Promise<Answer>
  /** What it keeps between launches. */
  session: unknown
}

interface Answer {
  statusCode: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever a server says
  data: any
}

interface Sent {
  url: string
  method?: 'GET' | 'POST'
  header?: Record<string, string>
  data?: object
}

function send({ wx }: Phone, options: Sent): Promise<Answer> {
  return new Promise((success, fail) => {
    wx.request({ ...options, success: success as (answer: object) => void, fail })
  })
}

async function profileHeaders(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  const { encryptedData, iv } = await new Promise<{ encryptedData: string; iv: string }>((success, fail) => {
    phone.wx.getUserInfo({ success, fail })
  })
  return { 'X-WX-Code': code, 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }
}

export function waferClient(phone: Phone, host: string): OtherClient {
  const client = {
    session: undefined as { id: string; skey: string } | undefined,

    async request(path: string, method: 'GET' | 'POST' = 'GET', hasRetried = false): Promise<Answer> {
      if (!client.session) await logIn()
      const { id, skey } = client.session as unknown as { id: string; skey: string }
      const header = { 'X-WX-Id': id, 'X-WX-Skey': skey }
      const answer = await send(phone, { url: host + path, method, header })
      if (!answer.data?.[MAGIC_ID]) return answer
      client.session = undefined
      if (answer.data.error === 'ERR_INVALID_SESSION' && !hasRetried)
        return client.request(path, method, true)
      throw new Error(`check login: ${answer.data.error}`)
    },
  }
  return client

  async function logIn(): Promise<void> {
    const { data } = await send(phone, { url: `${host}/wafer/login`, header: await profileHeaders(phone) })
    if (!data?.[MAGIC_ID]) throw new Error('the answer has no session')
    if (!data.session) throw new Error(`login failed (${data.error}): ${data.message}`)
    client.session = data.session
  }
}

export function wafer2Client(phone: Phone, host: string): OtherClient & { login(): Promise<object> } {
  const client = {
    session: undefined as { skey: string; userinfo: object } | undefined,

    /** With a profile: a page calls it when the user has tapped. */
    async login(): Promise<object> {
      return logIn(await profileHeaders(phone))
    },

    async request(path: string, method: 'GET' | 'POST' = 'GET', hasRetried = false): Promise<Answer> {
      if (hasRetried) await logIn({ 'X-WX-Code': await newCode(phone) })
      const header: Record<string, string> = client.session ? { 'X-WX-Skey': client.session.skey } : {}
      const answer = await send(phone, { url: host + path, method, header })
      if (answer.data?.code !== -1 && answer.statusCode !== 401) return answer
      client.session = undefined
      if (hasRetried) throw new Error('expired')
      return client.request(path, method, true)
    },
  }
  return client

  async function logIn(header: Record<string, string>): Promise<object> {
    const { data } = await send(phone, { url: `${host}/wafer2/login`, header })
    if (data?.code !== 0 || !data.data?.skey || !data.data.userinfo)
      throw new Error(`login failed: ${JSON.stringify(data)}`)
    client.session = data.data
    return data.data.userinfo
  }
}

export function weRequestClient(phone: Phone, host: string): OtherClient {
  const client = {
    session: undefined as string | undefined,

    async request(path: string, method: 'GET' | 'POST' = 'GET', times = 0): Promise<Answer> {
      if (!client.session) await logIn()
      const { session } = client
      const inQuery = `${path.includes('?') ? '&' : '?'}session=${encodeURI(session ?? '')}`
      const url = host + path + (method === 'GET' ? '' : inQuery)
      const answer = await send(phone, { url, method, data: { session } })
      if (answer.statusCode !== 200) throw new Error(`http-error ${answer.statusCode}`)
      if (answer.data?.errcode !== 1 || times === 3) return answer
      client.session = undefined
      return client.request(path, method, times + 1)
    },
  }
  return client

  async function logIn(): Promise<void> {
    const code = await newCode(phone)
    const { statusCode, data } = await send(phone, { url: `${host}/user/login`, data: { code } })
    if (statusCode !== 200) throw new Error(`http-error ${statusCode}`)
    if (typeof data.session !== 'string') throw new Error('logic-error')
    client.session = data.session
  }
}
