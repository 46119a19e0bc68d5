import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import test from 'ava'
import { memoryStore, type SessionStore } from '../src/index.js'
import { startServer } from './support/server.js'
import { loginHeaders } from './support/wechat.js'

type Headers = Record<string, string | string[]>

/** What is done to the headers of a good login, and how that is refused. */
const MALFORMED: [name: string, change: (good: Record<string, string>) => Headers, reason: string][] = [
  ['a repeated code', (good) => ({ ...good, 'X-WX-Code': ['one', 'two'] }), 'ERR_BAD_REQUEST'],
  ['a repeated code alone', () => ({ 'X-WX-Code': ['one', 'two'] }), 'ERR_BAD_REQUEST'],
  [
    'repeated rawData',
    (good) => ({ ...good, 'X-WX-RawData': twice(good, 'X-WX-RawData') }),
    'ERR_BAD_REQUEST',
  ],
  [
    'a repeated signature',
    (good) => ({ ...good, 'X-WX-Signature': twice(good, 'X-WX-Signature') }),
    'ERR_BAD_REQUEST',
  ],
  ['a repeated X-WX-Login', (good) => ({ ...good, 'X-WX-Login': ['code', 'code'] }), 'ERR_BAD_REQUEST'],
  ['an over-long code', () => ({ 'X-WX-Code': 'a'.repeat(257) }), 'ERR_BAD_REQUEST'],
  ['a code that is no ASCII', () => ({ 'X-WX-Code': 'c\u00f6de' }), 'ERR_BAD_REQUEST'],
  ['a code with a tab', () => ({ 'X-WX-Code': 'a\tb' }), 'ERR_BAD_REQUEST'],
  ['X-WX-Login without a code', () => ({ 'X-WX-Login': 'code' }), 'ERR_BAD_REQUEST'],
  ['another kind of X-WX-Login', (good) => ({ ...good, 'X-WX-Login': 'phone' }), 'ERR_BAD_REQUEST'],
  ['rawData without a signature', ({ 'X-WX-Signature': _, ...rest }) => rest, 'ERR_UNTRUSTED_RAW_DATA'],
  [
    'encrypted data without an iv',
    (good) => ({ ...good, 'X-WX-Encrypted-Data': 'A'.repeat(64) }),
    'ERR_UNTRUSTED_RAW_DATA',
  ],
  [
    'an iv without encrypted data',
    (good) => ({ ...good, 'X-WX-IV': `${'A'.repeat(22)}==` }),
    'ERR_UNTRUSTED_RAW_DATA',
  ],
]

for (const [name, change, reason] of MALFORMED) {
  test(`ERR_BAD_REQUEST: ${name} is refused with 400 ${reason}, and costs no I/O`, async (t) => {
    const { store, calls } = counted(memoryStore())
    const { url, wechat } = await startServer(t, { store })
    const headers = change(await loginHeaders(wechat.phone()))

    const response = await get(url, headers)

    t.is(response.statusCode, 400)
    t.is(response.headers['x-wx-session-error'], reason)
    t.deepEqual(calls, [])
    t.is(wechat.calls.length, 0)
  })
}

test('X-WX-Code: an empty code, or rawData without a code, is no credential', async (t) => {
  const { url, wechat } = await startServer(t)
  const { 'X-WX-Code': _, ...withoutCode } = await loginHeaders(wechat.phone())

  for (const headers of [{ 'X-WX-Code': '' }, withoutCode]) {
    t.is((await get(url, headers)).statusCode, 200)
  }
  t.is(wechat.calls.length, 0)
})

function twice(headers: Record<string, string>, name: string): string[] {
  return [headers[name] ?? '', headers[name] ?? '']
}

/** A request whose repeated headers are sent as such. */
async function get(url: string, headers: Headers): Promise<IncomingMessage> {
  const [response] = await once(request(url, { headers }).end(), 'response')
  response.resume()
  return response
}

/** A store that says what it was asked. */
function counted(inner: SessionStore): { store: SessionStore; calls: string[] } {
  const calls: string[] = []
  const store: SessionStore = {
    ...inner,
    read(id) {
      calls.push('read')
      return inner.read(id)
    },
    claim(id) {
      calls.push('claim')
      return inner.claim(id)
    },
  }
  return { store, calls }
}
