/** Quotas, addresses, and the picture of a mini program code. */
import test from 'ava'
import { callsOf } from './calls.js'
import { minutes, startWechat } from './support.js'

test('/cgi-bin/stable_token: forcing takes 30 s, and 20 times a day', async (t) => {
  const wechat = startWechat(t)
  const { post } = await callsOf(wechat)
  const { appId: appid, appSecret: secret } = wechat
  const force = () => {
    return post(
      '/cgi-bin/stable_token',
      {},
      { grant_type: 'client_credential', appid, secret, force_refresh: true },
    )
  }

  const first = await force()
  const tooSoon = await force()
  for (let times = 1; times < 20; times += 1) {
    wechat.clock.advance(30_000)
    t.truthy((await force()).access_token)
  }
  wechat.clock.advance(30_000)
  const tooOften = await force()
  wechat.clock.advance(minutes(24 * 60))

  t.truthy(first.access_token)
  t.is(tooSoon.errcode, 45011)
  t.is(tooOften.errcode, 45009)
  t.truthy((await force()).access_token)
})

test('/cgi-bin/openapi/quota/get: what was used of the day, and is left', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const openid = wechat.phone().user.openId
  const access_token = await token()
  const quota = (cgi_path: string) => post('/cgi-bin/openapi/quota/get', { access_token }, { cgi_path })
  for (let times = 0; times < 3; times += 1) {
    await post('/wxa/msg_sec_check', { access_token }, { version: 2, openid, scene: 2, content: 'x' })
  }

  t.deepEqual((await quota('/wxa/msg_sec_check')).quota, {
    daily_limit: 2_000_000,
    used: 3,
    remain: 1_999_997,
  })
  t.is((await quota('/wxa/other')).errcode, 76021)
  t.is((await quota('/sns/jscode2session')).errcode, 76022)
})

test('/cgi-bin/clear_quota: counts begin anew, ten times a month', async (t) => {
  const wechat = startWechat(t)
  const { post, token } = await callsOf(wechat)
  const { appId: appid } = wechat
  const access_token = await token()
  const clear = (body: object) => post('/cgi-bin/clear_quota', { access_token }, body)
  const used = async () => {
    const answer = await post(
      '/cgi-bin/openapi/quota/get',
      { access_token },
      { cgi_path: '/cgi-bin/stable_token' },
    )
    return (answer.quota as { used: number }).used
  }
  await post('/cgi-bin/stable_token', {}, {})

  t.is(await used(), 1)
  t.deepEqual(await clear({ appid }), { errcode: 0, errmsg: 'ok' })
  t.is(await used(), 0)
  t.is((await clear({ appid: 'wx0' })).errcode, 40013)
  for (let times = 1; times < 10; times += 1) await clear({ appid })
  t.is((await clear({ appid })).errcode, 48006)
  t.regex(
    String((await clear({ appid })).errmsg),
    /^forbid to clear quota because of reaching the limit rid: /,
  )
})

test('/cgi-bin/clear_quota/v2: the AppSecret is enough, in the query too', async (t) => {
  const wechat = startWechat(t)
  const { post } = await callsOf(wechat)
  const { appId: appid, appSecret: appsecret } = wechat
  const path = '/cgi-bin/clear_quota/v2'

  t.is((await post(path, {}, { appid, appsecret })).errcode, 0)
  t.is((await post(path, { appid, appsecret }, '')).errcode, 0)
  t.is((await post(path, {}, { appid })).errcode, 41004)
  t.is((await post(path, {}, { appsecret })).errcode, 41002)
  t.is((await post(path, {}, { appid: 'wx0', appsecret })).errcode, 40013)
})

test('/cgi-bin/get_api_domain_ip: addresses for documentation', async (t) => {
  const wechat = startWechat(t)
  const { get, token } = await callsOf(wechat)

  t.deepEqual(await get('/cgi-bin/get_api_domain_ip', { access_token: await token() }), {
    ip_list: ['192.0.2.1', '192.0.2.2'],
  })
})

test('/cgi-bin/getcallbackip: addresses for documentation', async (t) => {
  const wechat = startWechat(t)
  const { get, token } = await callsOf(wechat)

  const { ip_list } = await get('/cgi-bin/getcallbackip', { access_token: await token() })

  t.deepEqual(ip_list, ['198.51.100.1', '198.51.100.2'])
})

test('/wxa/getwxacodeunlimit: a picture of that width, or JSON that says what is wrong', async (t) => {
  const wechat = startWechat(t)
  const { base, post, token } = await callsOf(wechat)
  const access_token = await token()
  const url = `${base}/wxa/getwxacodeunlimit?access_token=${access_token}`
  const picture = async (body: object) => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ scene: 'a=1', ...body }) })
    return { type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) }
  }
  const errcode = async (body: object | string) => {
    return (await post('/wxa/getwxacodeunlimit', { access_token }, body)).errcode
  }

  const jpeg = await picture({})
  const png = await picture({ is_hyaline: true, width: 300 })

  t.is(jpeg.type, 'image/jpeg')
  t.is(jpeg.bytes.subarray(0, 4).toString('hex'), 'ffd8ffe0')
  const frame = jpeg.bytes.indexOf(Buffer.of(0xff, 0xc0))
  t.deepEqual([jpeg.bytes.readUInt16BE(frame + 5), jpeg.bytes.readUInt16BE(frame + 7)], [430, 430])
  t.is(png.type, 'image/png')
  t.deepEqual([png.bytes.readUInt32BE(16), png.bytes.readUInt32BE(20)], [300, 300])
  t.is(await errcode({}), 40129)
  t.is(await errcode({ scene: 'x'.repeat(33) }), 40169)
  t.is(await errcode({ scene: 'a b' }), 40129)
  t.is(await errcode({ scene: 'a', page: '/pages/index' }), 41030)
  t.is(await errcode({ scene: 'a', width: 100 }), 40097)
  t.is(await errcode('scene=a'), 40169)
})

test('limits: the call that is one too many in its minute is refused', async (t) => {
  const wechat = startWechat(t)
  const access_token = 'wrong'
  const call = async () => {
    const url = `https://api.weixin.qq.com/wxa/msg_sec_check?access_token=${access_token}`
    const response = await wechat.fetch(url, { method: 'POST', body: '{}' })
    return JSON.parse(await response.text()).errcode
  }
  for (let times = 0; times < 4000; times += 1) await call()

  t.is(await call(), 45011)
  wechat.clock.advance(minutes(1))
  t.is(await call(), 40001)
})
