import test, { type ExecutionContext } from 'ava'

import type { Phone, RequestOptions, RequestResult } from '../../simulator/src/index.js'
import { failure, read, result, soon, startServer, startWechat, until } from './support.js'

/** What a server got, and how often. */
interface Echo {
  method: string
  url: string
  headers: Record<string, string>
  names: string[]
  body: string
}

/** A server that answers with what it got, and headers of both families. */
async function startEcho(t: ExecutionContext): Promise<{ url: string; arrived: Echo[] }> {
  const arrived: Echo[] = []
  const url = await startServer(t, async (request, response) => {
    const { method = '', url = '', headers, rawHeaders } = request
    const names = rawHeaders.filter((_, i) => i % 2 === 0)
    arrived.push({ method, url, names, headers: headers as Echo['headers'], body: await read(request) })
    response.setHeader('X-WX-Token', 'theirs')
    response.setHeader('Weapp-Token', 'ours')
    response.end('{}')
  })
  return { url, arrived }
}

function request({ wx }: Phone, options: RequestOptions): Promise<RequestResult> {
  return result((callbacks) => wx.request({ ...options, ...callbacks }))
}

function refusal({ wx }: Phone, options: RequestOptions) {
  return failure((callbacks) => wx.request({ ...options, ...callbacks }))
}

test('phone.gateway: the server gets other headers, and the app another errMsg', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone('alice', { ip: '198.51.100.7' })
  const { url, arrived } = await startEcho(t)
  const header = {
    'X-WX-Code': 'code',
    'x-Wx-anything': '1',
    'Weapp-Code': 'code',
    'User-Agent': 'own',
    'X-Forwarded-For': '1.1.1.1',
    'X-WXZ': 'no',
  }
  phone.gateway = 'auto'

  const { errMsg } = await request(phone, { url, method: 'POST', data: { a: 1 }, header })

  t.is(errMsg, 'gateway.call: ok')
  const [{ headers, names, body } = {} as Echo] = arrived
  t.is(body, '{"a":1}')
  t.like(headers, {
    'weapp-code': 'code',
    'x-wxz': 'no',
    'content-type': 'application/json',
    'user-agent': 'Mozilla/4.0',
    referer: `https://servicewechat.com/${wechat.appId}/0/page-frame.html`,
    'x-forwarded-for': '198.51.100.7',
    'x-real-ip': '198.51.100.7',
    'x-wx-client-ip': '198.51.100.7',
  })
  t.deepEqual(
    Object.keys(headers).filter((name) => name.startsWith('x-wx-')),
    ['x-wx-client-ip'],
  )
  t.true(names.includes('weapp-code') && !names.includes('Weapp-Code'))
})

test('phone.gateway: what is not encoded in a query becomes so, and the rest stays', async (t) => {
  const phone = startWechat(t, { gateway: 'auto' }).phone()
  const { url, arrived } = await startEcho(t)

  await request(phone, { url: `${url}/a[b]?a=[小]&b=%E5%B0%8F&c=1+1&d=e=f&g&h=%` })
  await request(phone, { url })

  t.is(arrived[0]?.url, '/a[b]?a=%5B%E5%B0%8F%5D&b=%E5%B0%8F&c=1%2B1&d=e%3Df&g&h=%25')
  t.is(arrived[1]?.url, '/')
})

test('phone.gateway: it can be switched at any time, and uploads, downloads and sockets go past it', async (t) => {
  const phone = startWechat(t).phone()
  const { url, arrived } = await startEcho(t)
  const header = { 'X-WX-Code': 'code' }
  phone.files.write('file', 'content')

  t.is(phone.gateway, 'off')
  const { errMsg } = await request(phone, { url, header })
  phone.gateway = 'auto'
  await request(phone, { url, header })
  await result((callbacks) =>
    phone.wx.uploadFile({ url, filePath: 'file', name: 'file', header, ...callbacks }),
  )
  await result((callbacks) => phone.wx.downloadFile({ url, header, ...callbacks }))
  phone.coldStart()
  await request(phone, { url, header })
  phone.gateway = 'off'
  await request(phone, { url, header })

  t.is(errMsg, 'request:ok')
  t.deepEqual(
    arrived.map(({ headers }) => headers['x-wx-code']),
    ['code', undefined, 'code', 'code', undefined, 'code'],
  )
})

test('phone.gateway: response headers of the family are kept or dropped', async (t) => {
  const phone = startWechat(t, { gateway: { access: 'auto', responseHeaders: 'dropped' } }).phone()
  const { url } = await startEcho(t)
  const reported: object[] = []

  const dropped = await result<RequestResult>((callbacks) =>
    phone.wx.request({ url, ...callbacks }).onHeadersReceived(({ header }) => reported.push(header)),
  )
  phone.gateway = { access: 'auto' }
  const kept = await request(phone, { url })

  t.is(dropped.header['X-WX-Token'], undefined)
  t.is(dropped.header['Weapp-Token'], 'ours')
  t.deepEqual(reported, [dropped.header])
  t.is(kept.header['X-WX-Token'], 'theirs')
})

test('phone.gateway: a refusal in manual mode has an errCode and a message, and the server hears nothing', async (t) => {
  const phone = startWechat(t, { gateway: 'manual' }).phone()
  const { url, arrived } = await startEcho(t)
  phone.fail('request', { errCode: 102020 })

  const { errCode, errno, message } = await refusal(phone, { url })

  t.is(errCode, 102020)
  t.is(errno, undefined)
  t.regex(`${message}`, /^gateway\.call: fail wx system error , code: 102020, callid: \d{13}-[\w-]{8}$/)
  t.is(arrived.length, 0)
})

test('phone.gateway: in auto mode a request that was refused is repeated without the gateway', async (t) => {
  const phone = startWechat(t, { gateway: 'auto' }).phone()
  const { url, arrived } = await startEcho(t)
  const codes = [102003, 102006, 102016, 102020, 102021, 102022, 104100, -601001, -601008, -601069]
  for (const errCode of codes) phone.fail('request', { errCode })
  phone.fail('request', { errCode: 1 })

  for (const _ of codes) {
    const { errMsg } = await request(phone, { url, header: { 'X-WX-Code': 'code' } })
    t.is(errMsg, 'request:ok')
  }
  const other = await refusal(phone, { url })

  t.true(arrived.every(({ headers }) => headers['x-wx-code'] === 'code'))
  t.is(arrived.length, codes.length)
  t.is(other.errCode, 1)
  t.is(phone.counts.request, codes.length + 1)
})

test('phone.gateway: an errCode waits for a request that goes through the gateway', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startEcho(t)
  phone.fail('request', { errCode: 102003 })
  phone.fail('request', { errMsg: 'request:fail timeout', errno: 5 })

  t.is((await refusal(phone, { url })).errno, 5)
  t.is((await request(phone, { url })).errMsg, 'request:ok')
  phone.gateway = 'manual'
  t.is((await refusal(phone, { url })).errCode, 102003)
})

test('phone.gateway: a server that is not there is an error of the gateway, and then of the network', async (t) => {
  const phone = startWechat(t, { gateway: 'manual' }).phone()
  const url = 'http://127.0.0.1:1'

  const manual = await refusal(phone, { url })
  phone.gateway = 'auto'
  const auto = await refusal(phone, { url })

  t.is(manual.errCode, -601069)
  t.is(auto.errCode, undefined)
  t.is(auto.errno, 600001)
})

test('phone.gateway: a request whose connection breaks is sent twice in auto mode', async (t) => {
  const phone = startWechat(t, { gateway: 'auto' }).phone()
  const codes: unknown[] = []
  const url = await startServer(t, (request) => {
    codes.push(request.headers['x-wx-code'])
    request.destroy()
  })

  t.is((await refusal(phone, { url, method: 'POST', header: { 'X-WX-Code': 'c' } })).errno, 600001)
  t.deepEqual(codes, [undefined, 'c'])
})

test('phone.gateway: an answer that breaks off is an error of the network, and nothing is repeated', async (t) => {
  const phone = startWechat(t, { gateway: 'auto' }).phone()
  let arrived = 0
  const url = await startServer(t, (_request, response) => {
    arrived += 1
    response.write('half')
    setTimeout(() => response.destroy(), 20)
  })

  t.is((await refusal(phone, { url })).errno, 600001)
  t.is(arrived, 1)
})

test('phone.gateway: a timeout in manual mode is of the gateway, in auto mode of the request', async (t) => {
  const wechat = startWechat(t, { gateway: 'manual' })
  const phone = wechat.phone()
  let arrived = 0
  const url = await startServer(t, () => {
    arrived += 1
  })

  const manual = refusal(phone, { url })
  await until(() => arrived === 1)
  wechat.clock.advance(60_000)
  t.is((await manual).errCode, -601008)
  phone.gateway = 'auto'
  const auto = refusal(phone, { url })
  await until(() => arrived === 2)
  wechat.clock.advance(60_000)

  t.deepEqual(await auto, { errMsg: 'request:fail timeout', errno: 5 })
})

test('phone.gateway: what the phone does itself stays as it was: abort, no network, a lost answer', async (t) => {
  const phone = startWechat(t, { gateway: 'auto' }).phone()
  const { url, arrived } = await startEcho(t)

  const aborted = failure((callbacks) => {
    const task = phone.wx.request({ url, ...callbacks })
    task.abort()
  })
  phone.fail('request', 'lost')
  const lost = refusal(phone, { url })

  t.is((await aborted).errMsg, 'request:fail abort')
  t.is((await lost).errno, 600001)
  t.is(arrived.length, 1)
  phone.offline = true
  t.is((await refusal(phone, { url })).errno, 600001)
})

test('phone.gateway: a refusal can be late, and be aborted', async (t) => {
  const wechat = startWechat(t, { gateway: 'manual' })
  const phone = wechat.phone()
  phone.fail('request', { errCode: 102021, delay: 30_000 }, 2)
  const events: (number | string)[] = []
  const start = () =>
    phone.wx.request({
      url: 'http://127.0.0.1:1',
      fail: ({ errCode, errMsg }) => events.push(errCode ?? errMsg),
    })

  start()
  const aborted = start()
  await soon()
  aborted.abort()
  await soon()
  t.deepEqual(events, ['request:fail abort'])
  wechat.clock.advance(30_000)
  await soon()

  t.deepEqual(events, ['request:fail abort', 102021])
})
