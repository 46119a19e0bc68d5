import { setTimeout as sleep } from 'node:timers/promises'
import { createSession } from 'weapp-session-client'
import type { Phone, Wechat } from 'weapp-simulator'
import { printStep } from './print.js'
import { tapWire } from './wire.js'

/** Sends a phone through the whole life of a session, and shows each step. `ttl`: seconds that it lives. */
export async function tellStory(wechat: Wechat, phone: Phone, url: string, ttl: number): Promise<void> {
  const wire = tapWire(phone, wechat)
  const session = createSession({ baseUrl: url, wx: phone.wx })
  const me = () => session.request({ url: '/me' })

  const first = await wire.during(me)
  printStep(
    '1  The first request logs in',
    first,
    'The code was exchanged once, the signature checked with the session_key, and the session stored.',
  )

  printStep(
    '2  Later requests carry the code alone',
    await wire.during(me),
    'The code is the session’s name now: no call to WeChat, and its data is still there (visits).',
  )

  const login = first[0]?.headers ?? {}
  printStep(
    '3  The same login again, because its answer was lost, say',
    await wire.during(() => send(phone, `${url}/me`, login)),
    'WeChat would refuse the code now (40163). The server remembers: same session, no second exchange.',
  )

  printStep(
    '4  Somebody changes the name in rawData',
    await wire.during(async () => send(phone, `${url}/me`, tampered(await loginHeaders(phone)))),
    'The signature is not that of this text. There is no session, and a client knows that it should stop.',
  )

  await sleep(ttl * 1000 + 100)
  printStep(
    `5  The session has expired (here after ${ttl} s, by default after two hours)`,
    await wire.during(me),
    'One call of the app, two requests: the client reads ERR_SESSION_EXPIRED, logs in again, and sends the request\n' +
      '  once more. A new code, a new session, the same user: the openId is WeChat’s word, not the phone’s.',
  )

  const other = wechat.phone('小明')
  const otherSession = createSession({ baseUrl: url, wx: other.wx })
  printStep(
    '6  Another device of the same user starts, with twenty calls at once',
    await tapWire(other, wechat).during(() =>
      Promise.all(Array.from({ length: 20 }, () => otherSession.request({ url: '/me' }))),
    ),
    'One call logs in, and the others wait until the server has accepted it: one code, one exchange, no failure.\n' +
      '  Its getUserInfo is today’s, anonymous: the name is the one that the first device brought.',
  )

  printStep(
    '7  A request without a credential',
    await wire.during(() => send(phone, `${url}/members`, {})),
    'Elsewhere it would go on, with ctx.$wxUserInfo null; this route has requireWxUser() before it.',
  )
}

/** The headers of a login, as the client makes them. */
export async function loginHeaders(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  return new Promise((resolve, reject) => {
    phone.wx.getUserInfo({
      success: ({ rawData, signature }) =>
        resolve({
          'Weapp-Code': code,
          'Weapp-RawData': encodeURIComponent(rawData),
          'Weapp-Signature': signature,
        }),
      fail: reject,
    })
  })
}

/** A fresh code of a phone. */
export function newCode(phone: Phone): Promise<string> {
  return new Promise((resolve, reject) => {
    phone.wx.login({ success: ({ code }) => resolve(code), fail: reject })
  })
}

function tampered(headers: Record<string, string>): Record<string, string> {
  const rawData = decodeURIComponent(headers['Weapp-RawData'] ?? '')
  return { ...headers, 'Weapp-RawData': encodeURIComponent(rawData.replace('小明', 'root')) }
}

/** A request by hand, without the client. */
function send(phone: Phone, url: string, header: Record<string, string>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    phone.wx.request({ url, header, success: resolve, fail: reject })
  })
}
