import test from 'ava'

import { createWechat } from '../../simulator/src/index.js'
import { exchange, exchangeUrl, logIn, minutes, startWechat } from './support.js'

test('/sns/jscode2session: a code is exchanged for the openid and the session_key, without an errcode', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone('alice'))

  const response = await wechat.fetch(exchangeUrl(wechat, code))
  const body = JSON.parse(await response.text())

  t.is(response.status, 200)
  t.is(response.headers.get('content-type'), 'text/plain')
  t.deepEqual(Object.keys(body).sort(), ['openid', 'session_key'])
  t.is(body.openid, wechat.user('alice').openId)
})

test('what WeChat issues looks as it does in its examples', async (t) => {
  const wechat = startWechat(t, { unionIds: true })
  const code = await logIn(wechat.phone('alice'))

  const { openid, session_key, unionid } = await exchange(wechat, code)

  t.regex(wechat.appId, /^wx[0-9a-f]{16}$/)
  t.regex(wechat.appSecret, /^[0-9a-f]{32}$/)
  t.regex(code, /^[0-9A-Za-z]{32}$/)
  t.regex(String(openid), /^o[\w-]{27}$/)
  t.regex(String(unionid), /^o[\w-]{27}$/)
  t.regex(String(session_key), /^[0-9A-Za-z+/]{22}==$/)
})

test('a code works once', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone())
  await exchange(wechat, code)

  const { errcode, errmsg } = await exchange(wechat, code)

  t.is(errcode, 40163)
  t.regex(String(errmsg), /^code been used, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$/)
})

test('a code works for five minutes', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const early = await logIn(phone)
  const late = await logIn(phone)

  wechat.clock.advance(minutes(5) - 1000)
  const inTime = await exchange(wechat, early)
  wechat.clock.advance(1000)
  const tooLate = await exchange(wechat, late)

  t.is(inTime.errcode, undefined)
  t.is(tooLate.errcode, 40029)
})

test('a failed attempt uses the code up', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone())
  wechat.clock.advance(minutes(6))

  t.is((await exchange(wechat, code)).errcode, 40029)
  t.is((await exchange(wechat, code)).errcode, 40163)
})

test("another mini program's code is invalid, and used up", async (t) => {
  const other = createWechat()
  t.teardown(other.close)
  const wechat = startWechat(t)
  const code = await logIn(other.phone('alice'))

  t.is((await exchange(wechat, code)).errcode, 40029)
  t.is((await exchange(wechat, code)).errcode, 40163)
  t.is((await exchange(other, code)).openid, other.user('alice').openId)
})

test('several codes of one user can be exchanged in any order', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone('alice')
  const first = await logIn(phone)
  const second = await logIn(phone)

  t.is((await exchange(wechat, second)).openid, wechat.user('alice').openId)
  t.is((await exchange(wechat, first)).openid, wechat.user('alice').openId)
})

test("a tourist's code is always invalid", async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  phone.tourist = true
  const code = await logIn(phone)

  t.is(code, 'the code is a mock one')
  t.is((await exchange(wechat, code)).errcode, 40029)
  t.is((await exchange(wechat, code)).errcode, 40029)
})

test('/sns/jscode2session: what is wrong with the call is said before the code is looked at', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone())
  const errcode = async (wrong: Record<string, string | undefined>) =>
    (await exchange(wechat, code, wrong)).errcode

  t.is(await errcode({ appid: undefined, secret: undefined }), 41002)
  t.is(await errcode({ secret: undefined }), 41004)
  t.is(await errcode({ js_code: undefined }), 41008)
  t.is(await errcode({ grant_type: 'other' }), 40002)
  t.is(await errcode({ appid: 'wx0000000000000000', secret: 'wrong' }), 40013)
  t.is(await errcode({ secret: 'wrong' }), 40125)
  t.is(await errcode({}), undefined)
})

test('one user can exchange 100 codes in a minute', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  for (let i = 0; i < 100; i += 1) await exchange(wechat, await logIn(phone))

  const tooOften = await exchange(wechat, await logIn(phone))
  const somebodyElse = await exchange(wechat, await logIn(wechat.phone()))
  wechat.clock.advance(minutes(1))
  const later = await exchange(wechat, await logIn(phone))

  t.is(tooOften.errcode, 45011)
  t.is(somebodyElse.errcode, undefined)
  t.is(later.errcode, undefined)
})

test('every call is logged, and exchanges are counted', async (t) => {
  const wechat = startWechat(t)
  const code = await logIn(wechat.phone())
  await exchange(wechat, code)
  await exchange(wechat, code)
  await wechat.fetch('https://api.weixin.qq.com/cgi-bin/token')

  t.is(wechat.exchanges, 2)
  t.like(wechat.calls, [
    { path: '/sns/jscode2session', code, errcode: undefined },
    { path: '/sns/jscode2session', code, errcode: 40163 },
    { path: '/cgi-bin/token', code: undefined, errcode: 41002 },
  ])
})

test('/sns/jscode2session: a wrong method is refused', async (t) => {
  const wechat = startWechat(t)

  const wrong = await wechat.fetch(exchangeUrl(wechat, 'code'), { method: 'POST' })

  t.is(JSON.parse(await wrong.text()).errcode, 43001)
})
