/** Quotas, addresses, and the picture of a mini program code. */
import test from 'ava'
import { createClock, type Limit } from '../../simulator/src/index.js'
import { createQuotas } from '../../simulator/src/servers/quotas.js'
import { callsOf } from './calls.js'
import { minutes, startWechat } from './support.js'

test('/cgi-bin/stable_token: with strict, forcing works every 30 s, and 20 times a day', async (t) => {
  const wechat = startWechat(t, { strict: true })
  const { post } = await callsOf(wechat)
  const { appId: appid, appSecret: secret } = wechat
  const force = () => {
    return post(
      '/cgi-bin/stable_token',
      {},
      { grant_type: 'client_credential', appid, secret, force_refresh: true },
    )
  }

  // None of them is in another day than the others.
  const day = minutes(24 * 60)
  wechat.clock.advance(day - ((wechat.clock.now() + day / 3) % day))
  const first = await force()
  const tooSoon = await force()
  for (let times = 2; times < 20; times += 1) {
    wechat.clock.advance(30_000)
    t.truthy((await force()).access_token)
  }
  wechat.clock.advance(30_000)
  const tooOften = await force()
  wechat.clock.advance(day)

  t.truthy(first.access_token)
  t.is(tooSoon.access_token, first.access_token)
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

test('/cgi-bin/clear_quota: counts begin anew, with strict ten times a month', async (t) => {
  const wechat = startWechat(t, { strict: true })
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
  await post('/cgi-bin/stable_token', {}, { appid })
  // Nobody's.
  await post('/cgi-bin/stable_token', {}, { appid: 'wx0' })

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
  const withoutSocket = await wechat.fetch(url, { method: 'POST', body: JSON.stringify({ scene: 'a' }) })
  t.deepEqual(Buffer.from(await withoutSocket.arrayBuffer()), jpeg.bytes)
  t.is(await errcode({}), 40129)
  t.is(await errcode({ scene: 'x'.repeat(33) }), 40169)
  t.is(await errcode({ scene: 'a b' }), 40129)
  t.is(await errcode({ scene: 'a', page: '/pages/index' }), 41030)
  t.is(await errcode({ scene: 'a', width: 100 }), 40097)
  t.is(await errcode('scene=a'), 40169)
})

test('limits: the call that is one too many in its minute or day is refused', (t) => {
  let time = Date.UTC(2026, 0, 1, 12, 0, 30)
  const { take, today, clear } = createQuotas({
    clock: { ...createClock(), now: () => time },
    strict: true,
  })
  const limits: Limit[] = [
    { max: 3, per: 'minute', errcode: 45011 },
    { max: 5, per: 'day', errcode: 45009 },
  ]
  const call = () => take('/wxa/msg_sec_check', limits)

  t.deepEqual([call(), call(), call(), call()], [0, 0, 0, 45011])
  t.is(take('/wxa/other', limits), 0)
  time += 30_000
  t.deepEqual([call(), call()], [0, 45009])
  // Midnight in Beijing.
  time = Date.UTC(2026, 0, 1, 15, 59, 59)
  t.is(call(), 45009)
  time += 1000
  t.is(call(), 0)
  t.is(today('/wxa/msg_sec_check'), 1)
  clear()
  t.is(today('/wxa/msg_sec_check'), 0)
})

test('/wxa/msg_sec_check: with strict, 4000 calls in a minute, and no more; those of nobody count for nobody', async (t) => {
  const time = Date.now()
  const wechat = startWechat(t, { clock: { ...createClock(), now: () => time }, strict: true })
  const token = await (await callsOf(wechat)).token()
  const errcodes = async (count: number, access_token: string) => {
    const url = `https://api.weixin.qq.com/wxa/msg_sec_check?access_token=${access_token}`
    const call = async () => {
      const response = await wechat.fetch(url, { method: 'POST', body: '{}' })
      return JSON.parse(await response.text()).errcode
    }
    return Promise.all(Array.from({ length: count }, call))
  }

  t.deepEqual(await errcodes(2, 'wrong'), [40001, 40001])
  t.deepEqual(new Set(await errcodes(4000, token)), new Set([40097]))
  t.deepEqual(await errcodes(1, token), [45011])
})
