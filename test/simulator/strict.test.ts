import test from 'ava'
import { createClock, createWechat } from '../../simulator/src/index.js'
import { isOfAllCalls } from '../../simulator/src/servers/endpoint.js'
import { createQuotas } from '../../simulator/src/servers/quotas.js'
import { startSimulator } from '../support/simulator-server.js'
import { exchange, logIn, startWechat } from './support.js'

const DAY = 24 * 60 * 60_000

test('strict: /cgi-bin/token works 2000 times a day, and then is 45009 until midnight in Beijing', async (t) => {
  const wechat = startWechat(t, { strict: true })
  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=${wechat.appSecret}`
  const call = async () =>
    JSON.parse(await (await wechat.fetch(`https://api.weixin.qq.com/cgi-bin/token?${query}`)).text())
  // None of them is in another day than the others.
  wechat.clock.advance(DAY - ((wechat.clock.now() + DAY / 3) % DAY))
  for (let i = 0; i < 2000; i++) await call()

  const over = await call()
  t.is(over.errcode, 45009)
  t.regex(over.errmsg, /reach max api daily quota limit/)
  wechat.clock.advance(DAY - 60_000)
  t.is((await call()).errcode, 45009)
  wechat.clock.advance(60_000)
  t.truthy((await call()).access_token)
})

test('strict: a forced refresh of a stable token within half a minute refreshes nothing, and 20 a day work', async (t) => {
  const wechat = startWechat(t, { strict: true })
  const refresh = async (force_refresh: boolean) => {
    const { appId: appid, appSecret: secret } = wechat
    const body = JSON.stringify({ grant_type: 'client_credential', appid, secret, force_refresh })
    const response = await wechat.fetch('https://api.weixin.qq.com/cgi-bin/stable_token', {
      method: 'POST',
      body,
    })
    return JSON.parse(await response.text())
  }
  wechat.clock.advance(DAY - ((wechat.clock.now() + DAY / 3) % DAY))

  const first = await refresh(true)
  t.is((await refresh(true)).access_token, first.access_token)
  wechat.clock.advance(30_000)
  t.not((await refresh(true)).access_token, first.access_token)
  for (let i = 3; i < 20; i++) t.truthy((await refresh(true)).access_token)
  t.is((await refresh(true)).errcode, 45009)
  t.truthy((await refresh(false)).access_token)
})

test('strict: the minute’s calls are 45011, the day’s 45009, where the page of an endpoint does not say otherwise', (t) => {
  const clock = createClock()
  const { endpoints } = startWechat(t)
  const { take } = createQuotas({ clock, strict: true })
  const many = (count: number, path: string) => {
    const limits = endpoints.find((endpoint) => endpoint.path === path)?.limits ?? []
    let errcode = 0
    for (let i = 0; i < count; i++) errcode = take(path, limits.filter(isOfAllCalls))
    return errcode
  }
  clock.advance(DAY - ((clock.now() + DAY / 3) % DAY))

  t.is(many(10_000, '/cgi-bin/stable_token'), 0)
  t.is(many(1, '/cgi-bin/stable_token'), 45011)
  for (let minute = 1; minute < 50; minute++) {
    clock.advance(60_000)
    t.is(many(10_000, '/cgi-bin/stable_token'), minute < 49 ? 0 : 45009)
  }
  t.is(many(60_000, '/wxa/resetusersessionkey'), 0)
  t.is(many(1, '/wxa/resetusersessionkey'), 45011)
  t.is(many(5000, '/wxa/getwxacodeunlimit'), 0)
  t.is(many(1, '/wxa/getwxacodeunlimit'), 45009)
  t.is(many(4001, '/wxa/msg_sec_check'), 45011)
  t.is(many(100_000, '/sns/jscode2session'), 0)
})

test('strict: without it no quota is kept, but that of a user’s logins in a minute (45011)', async (t) => {
  const wechat = createWechat()
  t.teardown(() => wechat.close())
  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=${wechat.appSecret}`
  for (let i = 0; i < 2001; i++) {
    const response = await wechat.fetch(`https://api.weixin.qq.com/cgi-bin/token?${query}`)
    if (i === 2000) t.truthy(JSON.parse(await response.text()).access_token)
  }
  const phone = wechat.phone('alice')
  for (let i = 0; i < 100; i++) await exchange(wechat, await logIn(phone))
  t.is((await exchange(wechat, await logIn(phone))).errcode, 45011)
})

test('strict: wx.login() of a user works four times a second', async (t) => {
  const { control, ask } = await startSimulator(t, { strict: true })
  const codes = await Promise.all(Array.from({ length: 5 }, () => control('POST', '/users/alice/code')))

  t.deepEqual(codes.map(({ status }) => status).sort(), [200, 200, 200, 200, 429])
  t.is(codes.find(({ status }) => status === 429)?.body.error.code, 'ERR_TOO_OFTEN')
  t.is((await control('POST', '/users/bob/code')).status, 200)
  await ask('POST', '/clock', { advance: '1s' })
  t.is((await control('POST', '/users/alice/code')).status, 200)
})
