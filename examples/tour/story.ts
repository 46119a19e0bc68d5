import { setTimeout as sleep } from 'node:timers/promises'
import type { Phone, Wechat } from 'koa-weapp-session/simulator'
import { type Exchange, printStep } from './print.js'

/** Sends a phone through the whole life of a session, and shows each step. `ttl`: seconds that it lives. */
export async function tellStory(wechat: Wechat, phone: Phone, url: string, ttl: number): Promise<void> {
  const visit = visitor(wechat, phone, url)

  const login = await loginHeaders(phone)
  printStep(
    '1  The first request logs in',
    await visit('/me', login),
    'The code was exchanged once, the signature checked with the session_key, and the session stored.',
  )

  const code = { 'X-WX-Code': login['X-WX-Code'] ?? '' }
  printStep(
    '2  Later requests carry the code alone',
    await visit('/me', code),
    'The code is the session’s name now: no call to WeChat, and its data is still there (visits).',
  )

  printStep(
    '3  The same login again, because its answer was lost, say',
    await visit('/me', login),
    'WeChat would refuse the code now (40163). The server remembers: same session, no second exchange.',
  )

  const tampered = await loginHeaders(phone)
  const rawData = decodeURIComponent(tampered['X-WX-RawData'] ?? '')
  tampered['X-WX-RawData'] = encodeURIComponent(rawData.replace('小明', 'root'))
  printStep(
    '4  Somebody changes the name in rawData',
    await visit('/me', tampered),
    'The signature is not that of this text. There is no session, and a client knows that it should stop.',
  )

  await sleep(ttl * 1000 + 100)
  printStep(
    `5  The session expires (here after ${ttl} s, by default after two hours)`,
    await visit('/me', code),
    'A client that reads ERR_SESSION_EXPIRED logs in again and sends the request once more:',
  )

  printStep(
    '6  So the phone logs in again',
    await visit('/me', await loginHeaders(phone)),
    'A new code, a new session, the same user: the openId is WeChat’s word, not the phone’s.',
  )

  printStep(
    '7  A request without a credential',
    await visit('/members', {}),
    'Elsewhere it would go on, with ctx.$wxUserInfo null; this route has requireWxUser() before it.',
  )
}

/** The headers of a login, as the original client makes them. */
export async function loginHeaders(phone: Phone): Promise<Record<string, string>> {
  const code = await newCode(phone)
  return new Promise((resolve, reject) => {
    phone.wx.getUserInfo({
      success: ({ rawData, signature }) =>
        resolve({
          'X-WX-Code': code,
          'X-WX-RawData': encodeURIComponent(rawData),
          'X-WX-Signature': signature,
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

function visitor(wechat: Wechat, phone: Phone, url: string) {
  return function visit(path: string, headers: Record<string, string>): Promise<Exchange> {
    const callsBefore = wechat.calls.length
    return new Promise((resolve, reject) => {
      phone.wx.request({
        url: url + path,
        header: headers,
        success({ data, statusCode, header }) {
          const reason = header['X-WX-Session-Error'] as string | undefined
          const calls = wechat.calls.slice(callsBefore)
          resolve({ method: 'GET', path, headers, status: statusCode, reason, body: data, calls })
        },
        fail: reject,
      })
    })
  }
}
