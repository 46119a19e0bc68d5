/** Texts, content types and the order of checks, as published answers of WeChat have them. */
import test from 'ava'
import { callsOf } from './calls.js'
import { exchangeUrl, logIn, startWechat } from './support.js'

const RID = '[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$'

test('/cgi-bin/token: a wrong appid is said before a grant_type that is missing', async (t) => {
  const wechat = startWechat(t)
  const { get } = await callsOf(wechat)
  const { appId: appid, appSecret: secret } = wechat
  const code = async (query: Record<string, string>) => (await get('/cgi-bin/token', query)).errcode

  t.is(await code({}), 41002)
  t.is(await code({ appid: 'wx_test_fake_00000000', secret: 'x' }), 40013)
  t.is(await code({ appid: 'wx_test_fake_00000000' }), 40013)
  t.is(await code({ appid, secret }), 40002)
  t.is(await code({ appid, grant_type: 'client_credential' }), 41004)
  t.is(await code({ appid, secret: 'x', grant_type: 'client_credential' }), 40125)
})

test('errmsg: sns/* has a comma before rid, cgi-bin/* and wxa/* have none', async (t) => {
  const wechat = startWechat(t)
  const { get } = await callsOf(wechat)

  const sns = await get('/sns/jscode2session', {
    appid: 'x',
    secret: 'x',
    js_code: 'x',
    grant_type: 'authorization_code',
  })
  const cgi = await get('/cgi-bin/token', { appid: 'x' })
  const wxa = await get('/wxa/checksession')

  t.regex(String(sns.errmsg), new RegExp(`^invalid appid, rid: ${RID}`))
  t.regex(String(cgi.errmsg), new RegExp(`^invalid appid rid: ${RID}`))
  t.regex(String(wxa.errmsg), new RegExp(`^access_token missing rid: ${RID}`))
})

test('errmsg: 40001 says where to get a token, and a phone number’s 40029 has a hint', async (t) => {
  const wechat = startWechat(t)
  const { get, post, token } = await callsOf(wechat)

  const wrongToken = await get('/cgi-bin/getcallbackip', { access_token: 'fake_token' })
  const wrongCode = await post(
    '/wxa/business/getuserphonenumber',
    { access_token: await token() },
    { code: 'x' },
  )

  t.regex(
    String(wrongToken.errmsg),
    /^invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https:\/\/mmbizurl\.cn\/s\/JtxxFh33r rid: /,
  )
  t.regex(
    String(wrongCode.errmsg),
    new RegExp(`^invalid code hint: \\[[0-9A-Za-z]{9}-[0-9A-Za-z]{6}\\] rid: ${RID}`),
  )
})

test('Content-Type: sns/* calls its JSON text, the rest does not', async (t) => {
  const wechat = startWechat(t)
  const { base } = await callsOf(wechat)
  const typeOf = async (url: string) => (await fetch(url)).headers.get('content-type')

  t.is(await typeOf(exchangeUrl(wechat, await logIn(wechat.phone()), {}, base)), 'text/plain')
  t.is(await typeOf(`${base}/cgi-bin/token`), 'application/json; encoding=utf-8')
  t.is(await typeOf(`${base}/wxa/checksession`), 'application/json; encoding=utf-8')
})

test('a path that is not simulated: JSON with an errcode says so, and names it', async (t) => {
  const wechat = startWechat(t)
  const { base } = await callsOf(wechat)

  const response = await fetch(`${base}/wxa/business/getliveinfo?access_token=x`, {
    method: 'POST',
    body: '{}',
  })
  const body = JSON.parse(await response.text())

  t.is(response.status, 200)
  t.is(body.errcode, 40066)
  t.regex(
    body.errmsg,
    /^invalid url: weapp-simulator does not simulate POST \/wxa\/business\/getliveinfo rid: /,
  )
  t.like(wechat.calls, [{ path: '/wxa/business/getliveinfo', errcode: 40066 }])
})

test('wechat.fail({ errcode }): the text is that of the path', async (t) => {
  const wechat = startWechat(t)
  const { get } = await callsOf(wechat)
  wechat.fail({ errcode: 40001 }, { times: 2 })

  const sns = await get('/sns/jscode2session')
  const cgi = await get('/cgi-bin/token')

  t.regex(String(sns.errmsg), /^invalid credential, access_token is invalid or not latest, rid: /)
  t.regex(String(cgi.errmsg), /getStableAccessToken.* rid: /)
})
