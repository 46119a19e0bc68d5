import test, { type ExecutionContext } from 'ava'

import type { CallContainerOptions, CallContainerResult, Phone } from '../../simulator/src/index.js'
import { failure, read, result, run, startServer, startWechat, until } from './support.js'

/** What a service got. */
interface Arrived {
  method: string
  url: string
  headers: Record<string, string>
  /** Names and values as they came. */
  raw: [string, string][]
  body: string
}

/** A service that answers with what it got. */
async function startService(t: ExecutionContext): Promise<string> {
  return startServer(t, async (request, response) => {
    const { method, url, headers, rawHeaders } = request
    const raw = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : []))
    response.setHeader('X-Any', 'yes')
    response.end(JSON.stringify({ method, url, headers, raw, body: await read(request) }))
  })
}

const header = { 'X-WX-SERVICE': 'api' }

function call({ wx }: Pick<Phone, 'wx'>, options: Partial<CallContainerOptions> = {}) {
  return result<CallContainerResult<Arrived>>((callbacks) =>
    wx.cloud.callContainer<Arrived>({ path: '/', header, ...options, ...callbacks }),
  )
}

function refusal({ wx }: Pick<Phone, 'wx'>, options: Partial<CallContainerOptions> = {}) {
  return failure<CallContainerResult>((callbacks) =>
    wx.cloud.callContainer({ path: '/', header, ...options, ...callbacks }),
  )
}

/** A phone with its app initialised, and its environment. */
async function start(t: ExecutionContext, { unionIds = false } = {}) {
  const wechat = startWechat(t, { unionIds })
  const url = await startService(t)
  const cloud = wechat.cloudRun({ services: { api: url } })
  const phone = wechat.phone('alice', { ip: '198.51.100.7' })
  phone.wx.cloud.init({ env: cloud.env })
  return { wechat, url, cloud, phone }
}

function familyOf(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-wx-')))
}

test('wx.cloud.callContainer(): the service hears from WeChat who the user is', async (t) => {
  const { wechat, cloud, phone } = await start(t)

  const answer = await call(phone, { path: '/me?a=1', method: 'post', data: { b: 2 } })

  t.like(answer, { statusCode: 200, errMsg: 'cloud.callContainer:ok' })
  t.regex(answer.callID, /^\d{13}-[\w-]{8}$/)
  t.is(answer.header['X-Any'], 'yes')
  t.like(answer.data, { method: 'POST', url: '/me?a=1', body: '{"b":2}' })
  t.deepEqual(familyOf(answer.data.headers), {
    'x-wx-service': 'api',
    'x-wx-openid': wechat.user('alice').openId,
    'x-wx-appid': wechat.appId,
    'x-wx-env': cloud.env,
    'x-wx-source': 'wx_client',
  })
  t.is(answer.data.headers['x-original-forwarded-for'], '198.51.100.7')
})

test('wx.cloud.callContainer(): a user who has a unionId has it there too', async (t) => {
  const { wechat, phone } = await start(t, { unionIds: true })

  const { data } = await call(phone)

  t.is(data.headers['x-wx-unionid'], wechat.user('alice').unionId)
})

test('wx.cloud.callContainer(): an app cannot forge what WeChat says', async (t) => {
  const { wechat, phone } = await start(t)
  const forged = {
    'x-wx-OpenId': 'o-bob',
    'X-WX-UNIONID': 'u-bob',
    'X-WX-FROM-OPENID': 'o-bob',
    'X-WX-Code': 'c',
    'x-original-forwarded-for': '1.1.1.1',
    'Weapp-Code': 'c',
  }

  const { data } = await call(phone, { header: { ...header, ...forged } })

  t.deepEqual(Object.keys(familyOf(data.headers)).sort(), [
    'x-wx-appid',
    'x-wx-env',
    'x-wx-openid',
    'x-wx-service',
    'x-wx-source',
  ])
  t.like(data.headers, {
    'x-wx-openid': wechat.user('alice').openId,
    'x-original-forwarded-for': '198.51.100.7',
    'weapp-code': 'c',
  })
})

test('wx.cloud.callContainer(): options are those of a request, and every status is a success', async (t) => {
  const wechat = startWechat(t)
  const url = await startServer(t, (request, response) => {
    response.statusCode = 401
    response.setHeader('Location', '/other')
    if (request.url === '/moved') response.statusCode = 302
    response.end('{"a":1}')
  })
  const { env } = wechat.cloudRun({ services: { api: `${url}/` } })
  const { wx } = wechat.phone()
  wx.cloud.init()
  const get = async (options: Partial<CallContainerOptions>) => {
    return result<CallContainerResult>((callbacks) =>
      wx.cloud.callContainer({ config: { env }, path: '/', header, ...options, ...callbacks }),
    )
  }

  t.like(await get({}), { statusCode: 401, data: { a: 1 } })
  t.is((await get({ dataType: 'text' })).data, '{"a":1}')
  t.deepEqual((await get({ responseType: 'arraybuffer' })).data, new TextEncoder().encode('{"a":1}').buffer)
  t.is((await get({ path: 'moved' })).statusCode, 302)
})

test('wx.cloud.callContainer(): it returns a promise when there is nobody to call back', async (t) => {
  const { phone } = await start(t)
  const { cloud } = phone.wx

  const answer = await cloud.callContainer<Arrived>({ path: '/promised', header })
  const returned = cloud.callContainer({ path: '/', header, complete() {} })

  t.is(answer?.data.url, '/promised')
  t.is(returned, undefined)
  const wrong = cloud.callContainer({ path: '/', header: { 'X-WX-SERVICE': 'other' } })
  const reason = await wrong?.then(
    () => undefined,
    (reason) => reason,
  )
  t.is(reason.errCode, -501000)
})

test('wx.cloud.callContainer(): what cannot be called fails with an errCode', async (t) => {
  const { wechat, url, phone } = await start(t)
  const dead = wechat.cloudRun({ services: { api: 'http://127.0.0.1:1' } })
  const fresh = wechat.phone()

  t.is((await refusal(fresh)).errCode, -1)
  t.deepEqual(await refusal(phone, { config: { env: 'other' } }), {
    errMsg: 'cloud.callContainer:fail Error: errCode: -501000 | errMsg: Invalid host',
    errCode: -501000,
  })
  t.is((await refusal(phone, { header: { 'X-WX-SERVICE': 'other' } })).errCode, -501000)
  t.is((await refusal(phone, { header: { 'X-WX-SERVICE': 'constructor' } })).errCode, -501000)
  t.is((await refusal(phone, { header: {} })).errCode, -501000)
  t.is((await refusal(phone, { method: 'PATCH' })).errCode, 102005)
  t.is((await refusal(phone, { method: 'POST', data: 'x'.repeat(100 * 1024 + 1) })).errCode, -606001)
  t.is((await refusal(phone, { config: { env: dead.env } })).errCode, -501001)
  t.is((await call(phone, { path: `//127.0.0.2:1/${url}` })).statusCode, 200)
})

test('wx.cloud.callContainer(): a call takes 15 seconds at most', async (t) => {
  const wechat = startWechat(t)
  let arrived = 0
  const url = await startServer(t, () => {
    arrived += 1
  })
  const { env } = wechat.cloudRun({ services: { api: url } })
  const phone = wechat.phone()
  phone.wx.cloud.init({ env })

  const calls = [60_000, 5000, undefined].map((timeout) => refusal(phone, { timeout }))
  await until(() => arrived === 3)
  wechat.clock.advance(5000)
  t.is((await calls[1])?.errCode, 102002)
  wechat.clock.advance(10_000)

  for (const failed of await Promise.all(calls)) t.is(failed.errCode, 102002)
})

test('wx.cloud.callContainer(): calls are counted, and can be made to go wrong', async (t) => {
  const { phone } = await start(t)
  phone.fail('cloud.callContainer', { errCode: 102002 })
  phone.fail('cloud.callContainer', 'lost')
  phone.fail('cloud.callContainer', { errMsg: 'cloud.callContainer:fail any' })

  t.deepEqual(await refusal(phone), {
    errMsg: 'cloud.callContainer:fail Error: errCode: 102002 | errMsg: 请求超时',
    errCode: 102002,
  })
  t.is((await refusal(phone)).errno, 600001)
  t.is((await refusal(phone)).errMsg, 'cloud.callContainer:fail any')
  t.is((await call(phone)).statusCode, 200)
  t.is(phone.counts['cloud.callContainer'], 4)
  t.is(phone.counts.request, 0)
})

test('wx.cloud.callContainer(): after a cold start it is initialised anew', async (t) => {
  const { phone, cloud } = await start(t)
  phone.coldStart()

  t.is((await refusal(phone)).errCode, -1)
  phone.wx.cloud.init({ env: cloud.env })
  t.is((await call(phone)).statusCode, 200)
})

test('wx.cloud.callContainer(): the gateway of the phone has no part in it', async (t) => {
  const { phone } = await start(t)
  phone.gateway = 'manual'

  const { data, errMsg } = await call(phone)

  t.is(errMsg, 'cloud.callContainer:ok')
  t.truthy(data.headers['x-wx-openid'])
})

test('wx.cloud.Cloud: apps that share an environment have names of their own for the user', async (t) => {
  const { wechat: shop, cloud, phone } = await start(t, { unionIds: true })
  const game = startWechat(t, { unionIds: true })
  const shared = game.cloudRun(cloud)
  const { wx } = game.phone('alice')
  const instance = new wx.cloud.Cloud({ resourceAppid: shop.appId, resourceEnv: cloud.env })
  const before = await failure<CallContainerResult>((callbacks) =>
    instance.callContainer({ path: '/', header, ...callbacks }),
  )
  await instance.init()

  const answer = await instance.callContainer<Arrived>({ path: '/', header })

  t.is(before.errCode, -1)
  t.deepEqual(familyOf(answer?.data.headers ?? {}), {
    'x-wx-service': 'api',
    'x-wx-appid': shop.appId,
    'x-wx-from-openid': game.user('alice').openId,
    'x-wx-from-appid': game.appId,
    'x-wx-from-unionid': game.user('alice').unionId,
    'x-wx-env': cloud.env,
    'x-wx-source': 'wx_client',
  })
  t.is((await call(phone)).data.headers['x-wx-openid'], shop.user('alice').openId)
  t.is(shared.resourceAppid, shop.appId)
  wx.cloud.init({ env: cloud.env })
  t.is((await refusal({ wx })).errCode, -501000)
})

test('wechat.cloudRun(): an environment that is made again takes the place of the old one', async (t) => {
  const { wechat, cloud, phone } = await start(t)
  wechat.cloudRun({ env: cloud.env, services: { other: 'http://127.0.0.1:1' } })

  t.is((await refusal(phone)).errCode, -501000)
})

test('publicCall(): what comes from outside arrives as it was sent, forged and repeated', async (t) => {
  const { cloud } = await start(t)
  const forged: [string, string][] = [
    ['X-WX-SOURCE', 'wx_client'],
    ['X-WX-OPENID', 'o-alice'],
    ['x-wx-openid', 'o-bob'],
    ['Any', 'yes'],
  ]

  const answer = await cloud.publicCall({
    service: 'api',
    path: '/me?a=1',
    method: 'POST',
    header: forged,
    body: '小',
  })
  const data: Arrived = JSON.parse(answer.body)

  t.is(answer.statusCode, 200)
  t.is(answer.header['X-Any'], 'yes')
  t.like(data, { method: 'POST', url: '/me?a=1', body: '小' })
  t.deepEqual(
    data.raw.filter(([name]) => /^(x-wx-|any)/i.test(name)),
    forged,
  )
})

test('publicCall(): forged headers can be taken away', async (t) => {
  const { cloud } = await start(t)
  const header = { 'X-WX-OPENID': 'o-alice', 'x-Wx-Source': 'wx_client', 'Weapp-Code': 'c' }

  const { body } = await cloud.publicCall({ service: 'api', header, stripsForged: true })
  const { headers }: Arrived = JSON.parse(body)

  t.deepEqual(familyOf(headers), {})
  t.is(headers['weapp-code'], 'c')
})

test('publicCall(): it rejects without a service, without its server, and when the simulator closes', async (t) => {
  const { wechat, cloud } = await start(t)
  const url = await startServer(t, () => {})
  const { publicCall } = wechat.cloudRun({ services: { slow: url, dead: 'http://127.0.0.1:1' } })

  await t.throwsAsync(cloud.publicCall({ service: 'other' }), {
    instanceOf: TypeError,
    message: /no service "other"/,
  })
  await t.throwsAsync(publicCall({ service: 'dead' }), { code: 'ECONNREFUSED' })
  const hanging = publicCall({ service: 'slow' })
  await wechat.close()

  await t.throwsAsync(hanging, { name: 'AbortError' })
})

test('gateway.call(): it goes through the gateway, whatever the phone does, and repeats nothing', async (t) => {
  const wechat = startWechat(t)
  const url = await startService(t)
  const phone = wechat.phone('alice', { domains: ['https://gateway.example.com'] })
  const { services, Cloud } = phone.wx.cloud
  const gateways = [services.Gateway({ domain: 'gateway.example.com' }), new Cloud().services.Gateway()]
  const sent = { 'X-WX-HTTP-MODE': 'REROUTE', 'X-WX-Code': 'c', 'Weapp-Code': 'c' }

  for (const gateway of gateways) {
    const answer = await gateway.call<Arrived>({ url, method: 'POST', data: { a: 1 }, header: sent })
    t.is(answer?.errMsg, 'gateway.call: ok')
    t.like(answer?.data, { method: 'POST', body: '{"a":1}' })
    t.deepEqual(familyOf(answer?.data.headers ?? {}), { 'x-wx-client-ip': '203.0.113.1' })
    t.is(answer?.data.headers['weapp-code'], 'c')
  }
  phone.gateway = 'auto'
  phone.fail('gateway.call', { errCode: 102003 })
  const failed = await failure<CallContainerResult>((callbacks) => gateways[0]?.call({ url, ...callbacks }))

  t.is(failed.errCode, 102003)
  t.is(phone.counts['gateway.call'], 3)
})

test('wechat.cloudRun(): a closed simulator lets the process end', async (t) => {
  const { exitCode, output } = await run(`
    const { createServer } = await import('node:http')
    const server = createServer(() => {}).listen(0, '127.0.0.1', async () => {
      const wechat = createWechat()
      const services = { api: 'http://127.0.0.1:' + server.address().port }
      const { env, publicCall } = wechat.cloudRun({ services })
      const { wx } = wechat.phone()
      wx.cloud.init({ env })
      wx.cloud.callContainer({ path: '/', header: { 'X-WX-SERVICE': 'api' }, fail: ({ errno }) => console.log(errno) })
      publicCall({ service: 'api' }).catch(({ name }) => console.log(name))
      setTimeout(async () => {
        await wechat.close()
        server.close()
      }, 100)
    })
  `)

  t.is(exitCode, 0, output)
  t.regex(output, /600001/)
  t.regex(output, /AbortError/)
})
