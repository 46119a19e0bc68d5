import test from 'ava'
import request, { type WxRequestOptions } from '../../client/src/index.js'
import { CARRIERS } from '../support/visitor.js'
import { start } from './support/client-calls.js'
import { type Script, scriptedPhone } from './support/scripted-phone.js'

// The drop-in has one session in a process, of the wx that was there at its first call.
test('request(): it keeps cookies for the host that sets them, so a cookieCarrier() knows the session', async (t) => {
  const { phone, heard, url } = await start(t, { carrier: CARRIERS.cookie() })
  const { request: send } = phone.wx
  const theirs: (string | undefined)[] = []
  const elsewhere: Script = { answer: () => ({ statusCode: 200, header: { 'Set-Cookie': 'b=1; path=/' } }) }
  const other = scriptedPhone(elsewhere)
  phone.wx.request = (options) => {
    if (options.url.startsWith(url)) return send(options)
    const own = options as WxRequestOptions
    theirs.push(own.header?.Cookie)
    return other.wx.request(own) as ReturnType<typeof send>
  }
  Object.assign(globalThis, { wx: phone.wx })
  t.teardown(() => void Reflect.deleteProperty(globalThis, 'wx'))

  for (const to of [url, 'https://b.example.com', url, 'https://b.example.com'])
    await request({ url: `${to}/` })

  t.is(phone.counts.login, 1)
  t.deepEqual(
    heard.map(({ cookie = '' }) => cookie.replace(/=.*/, '')),
    ['', '__Host-wx-session'],
  )
  t.deepEqual(theirs, [undefined, 'b=1'])
})
