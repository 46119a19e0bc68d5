import type { Response } from 'supertest'
import type { Phone } from '../../simulator/src/index.js'
import { type Carrier, codeCarrier, cookieCarrier, headerCarrier } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import type { TestServer } from './server.js'
import { trace } from './trace.js'
import { codeLoginHeaders, codeOnly } from './wechat.js'

/** Secrets of tests. */
export const KEY = 'a key of the tests, which is long enough'
export const OLD_KEY = 'an old key of the tests, which is long enough'
for (const key of [KEY, OLD_KEY]) trace('secrets', key)

export const CARRIERS: Record<'code' | 'header' | 'cookie' | 'jwt', (keys?: string[]) => Carrier> = {
  code: () => codeCarrier(),
  header: (keys = [KEY]) => headerCarrier({ keys }),
  cookie: (keys = [KEY]) => cookieCarrier({ keys }),
  jwt: (keys = [KEY]) => jwtCarrier({ keys, staleness: 1 }),
}

export type CarrierName = keyof typeof CARRIERS

/** Somebody who logs in and keeps what the server gives them, whichever carrier it uses. */
export interface Visitor {
  /** What they send. */
  headers: Record<string, string>
  /** Logs in by a fresh code. */
  logIn(more?: Record<string, string>): Promise<Response>
  /** Sends what they were given. */
  get(path?: string, more?: Record<string, string>): Promise<Response>
}

export function visitor(server: Pick<TestServer, 'send'>, phone: Phone): Visitor {
  const self: Visitor = {
    headers: {},

    async logIn(more) {
      const headers = await codeLoginHeaders(phone)
      const response = await server.send({ ...self.headers, ...headers, ...more })
      if (response.status === 200) self.headers = { ...codeOnly(headers), ...kept(response) }
      return response
    },

    async get(path, more) {
      const response = await server.send({ ...self.headers, ...more }, path)
      self.headers = { ...self.headers, ...kept(response) }
      return response
    },
  }
  return self
}

/** What a response gives to keep. */
export function kept(response: Response): Record<string, string> {
  const session = response.get('X-WX-Session')
  const token = response.get('X-WX-Token')
  const cookies = response.get('Set-Cookie')
  return {
    ...(session && { 'X-WX-Session': session }),
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(cookies && { Cookie: cookies.map((cookie) => cookie.split(';')[0]).join('; ') }),
  }
}
