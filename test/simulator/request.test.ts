import test from 'ava'

import type { RequestOptions, RequestResult } from '../../simulator/src/index.js'
import { failure, read, result, soon, startServer, startWechat, until } from './support.js'

test('what the app sends arrives', async (t) => {
  const wechat = startWechat(t)
  const { wx } = wechat.phone()
  const url = await startServer(t, async (request, response) => {
    const { method, url, headers } = request
    response.end(JSON.stringify({ method, url, headers, body: await read(request) }))
  })
  const send = async (options: Partial<RequestOptions>) => {
    const { data } = await result<
      RequestResult<{ method: string; url: string; headers: object; body: string }>
    >((callbacks) => wx.request({ url: `${url}/path?a=1`, ...options, ...callbacks }))
    return data
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }

  const get = await send({ data: { b: '小 &', c: { d: 1 }, e: undefined } })
  const json = await send({ method: 'POST', data: { b: '小' } })
  const fields = await send({ method: 'post', data: { b: '小', c: 2 }, header: form })
  const text = await send({ method: 'PUT', data: 'plain', header: { 'X-Any': 1, referer: 'https://other' } })
  const bytes = await send({ method: 'POST', data: new TextEncoder().encode('bytes').buffer })

  t.is(get.url, `/path?a=1&b=%E5%B0%8F%20%26&c=${encodeURIComponent('{"d":1}')}`)
  t.like(json, { method: 'POST', body: '{"b":"小"}', headers: { 'content-type': 'application/json' } })
  t.like(fields, { body: 'b=%E5%B0%8F&c=2', headers: form })
  t.like(text, { method: 'PUT', body: 'plain', headers: { 'x-any': '1' } })
  t.is(bytes.body, 'bytes')
  t.like(text.headers, { referer: `https://servicewechat.com/${wechat.appId}/1/page-frame.html` })
})

test('every status is a success', async (t) => {
  const { wx } = startWechat(t).phone()
  const url = await startServer(t, (request, response) => {
    response.statusCode = Number(request.url?.slice(1))
    response.end()
  })

  for (const status of [200, 204, 304, 401, 404, 500, 502]) {
    const { statusCode, data } = await result<RequestResult>((callbacks) =>
      wx.request({ url: `${url}/${status}`, ...callbacks }),
    )
    t.is(statusCode, status)
    t.is(data, '')
  }
})

test('a body is parsed once, if it is JSON', async (t) => {
  const { wx } = startWechat(t).phone()
  const url = await startServer(t, async (request, response) => response.end(await read(request)))
  const echo = async (data: string, options: Partial<RequestOptions> = {}) => {
    const answer = await result<RequestResult>((callbacks) =>
      wx.request({ url, method: 'POST', data, ...options, ...callbacks }),
    )
    return answer.data
  }

  t.deepEqual(await echo('{"a":1}'), { a: 1 })
  t.is(await echo('null'), null)
  t.is(await echo('"{}"'), '{}')
  t.is(await echo('{a'), '{a')
  t.is(await echo('{"a":1}', { dataType: 'other' }), '{"a":1}')
  t.deepEqual(await echo('\ufeff{"a":1}'), { a: 1 })
  t.deepEqual(await echo('ab', { responseType: 'arraybuffer' }), new Uint8Array([97, 98]).buffer)
})

test('header names keep their case, and cookies come joined and apart', async (t) => {
  const { wx } = startWechat(t).phone()
  const url = await startServer(t, (_request, response) => {
    response.setHeader('X-Mixed-case', 'yes')
    response.setHeader('Set-Cookie', ['a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT', 'b=2'])
    response.end()
  })

  const { header, cookies } = await result<RequestResult>((callbacks) => wx.request({ url, ...callbacks }))

  t.is(header['X-Mixed-case'], 'yes')
  t.is(header['Set-Cookie'], 'a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT,b=2')
  t.deepEqual(cookies, ['a=1; Expires=Wed, 21 Oct 2099 07:28:00 GMT', 'b=2'])
})

test('headers and chunks are reported before the end', async (t) => {
  const { wx } = startWechat(t).phone()
  const url = await startServer(t, (_request, response) => {
    response.setHeader('X-Any', 'yes')
    response.write('one')
    setTimeout(() => response.end('two'), 50)
  })
  const events: string[] = []

  await result<RequestResult>((callbacks) => {
    const task = wx.request({ url, enableChunked: true, ...callbacks })
    task.onHeadersReceived(({ statusCode, header }) => events.push(`${statusCode} ${header['X-Any']}`))
    task.onChunkReceived(({ data }) => events.push(new TextDecoder().decode(data)))
    const removed = () => events.push('removed')
    task.onChunkReceived(removed)
    task.offChunkReceived(removed)
  })

  t.deepEqual(events, ['200 yes', 'one', 'two'])
})

test('redirects of a GET are followed, five times at most', async (t) => {
  const { wx } = startWechat(t).phone()
  const url = await startServer(t, (request, response) => {
    const left = Number(request.url?.slice(1))
    if (left > 0) response.writeHead(302, { Location: `/${left - 1}` })
    response.end(String(left))
  })
  const get = (path: string, options: Partial<RequestOptions> = {}) =>
    result<RequestResult>((callbacks) => wx.request({ url: url + path, ...options, ...callbacks }))

  t.is((await get('/5')).data, 0)
  t.is((await get('/5', { redirect: 'manual' })).statusCode, 302)
  t.is((await get('/5', { method: 'POST' })).statusCode, 302)
  await t.throwsAsync(get('/6'), { any: true })
})

test('what cannot be sent fails, with an errno', async (t) => {
  const phone = startWechat(t).phone('alice', { domains: ['https://api.example.com'] })
  const free = startWechat(t).phone()
  const errno = async (options: RequestOptions, { wx } = free) =>
    (await failure((callbacks) => wx.request({ ...options, ...callbacks }))).errno

  t.is(await errno({ url: '/relative' }), 600009)
  t.is(await errno({ url: 'ftp://example.com' }), 600009)
  t.is(await errno({ url: 'https://other.example.com' }, phone), 600002)
  t.is(await errno({ url: 'http://127.0.0.1:1' }), 600001)
  t.is(await errno({ url: 'http://127.0.0.1:1', header: { 'X-Any': '小明' } }), 600000)
  t.is(await errno({ url: 'http://127.0.0.1:1', data: { a: '\ud83d' } }), 600000)
})

test('a request times out by the clock of the simulator', async (t) => {
  const wechat = startWechat(t)
  const { wx } = wechat.phone()
  const url = await startServer(t, () => {})

  const byDefault = failure((callbacks) => wx.request({ url, ...callbacks }))
  const atOnce = await failure((callbacks) => wx.request({ url, timeout: 30, ...callbacks }))
  wechat.clock.advance(60_000)

  t.deepEqual(atOnce, { errMsg: 'request:fail timeout', errno: 5 })
  t.deepEqual(await byDefault, atOnce)
})

test('a request can be aborted at every phase, and then calls back once', async (t) => {
  const { wx } = startWechat(t).phone()
  let arrived = 0
  const url = await startServer(t, (request, response) => {
    arrived += 1
    if (request.url === '/slow') response.write('half of it')
    else response.end()
  })
  const start = (path = '/slow') => {
    const events: string[] = []
    const task = wx.request({
      url: url + path,
      success: () => events.push('success'),
      fail: ({ errMsg }) => events.push(errMsg),
      complete: () => events.push('complete'),
    })
    return { task, events }
  }
  const aborted = ['request:fail abort', 'complete']

  const beforeItIsSent = start()
  beforeItIsSent.task.abort()
  t.deepEqual(beforeItIsSent.events, [])
  await soon(50)
  t.deepEqual(beforeItIsSent.events, aborted)
  t.is(arrived, 0)

  const beforeTheHead = start()
  await new Promise(setImmediate)
  beforeTheHead.task.abort()
  await until(() => beforeTheHead.events.length === 2)
  t.deepEqual(beforeTheHead.events, aborted)

  const inTheBody = start()
  await new Promise(inTheBody.task.onHeadersReceived)
  inTheBody.task.abort()
  inTheBody.task.abort()
  await soon(50)
  t.deepEqual(inTheBody.events, aborted)

  const afterTheEnd = start('/quick')
  await until(() => afterTheEnd.events.length === 2)
  afterTheEnd.task.abort()
  await soon(50)
  t.deepEqual(afterTheEnd.events, ['success', 'complete'])
})

test('a request that waits its turn can be aborted, and is never sent', async (t) => {
  const { wx } = startWechat(t).phone()
  const paths: unknown[] = []
  const url = await startServer(t, (request) => paths.push(request.url))
  const errMsgs: string[] = []
  for (let i = 0; i < 10; i += 1) wx.request({ url: `${url}/${i}` })

  const task = wx.request({ url: `${url}/waiting`, fail: ({ errMsg }) => errMsgs.push(errMsg) })
  await until(() => paths.length === 10)
  task.abort()
  await soon(50)

  t.is(paths.length, 10)
  t.deepEqual(errMsgs, ['request:fail abort'])
})

test('a request can be made to fail, hang, be late, or lose its answer', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  let arrived = 0
  const url = await startServer(t, (_request, response) => {
    arrived += 1
    response.end('done')
  })
  phone.fail('request', { errMsg: 'request:fail errcode:-118', errno: 600001 })
  phone.fail('request', 'lost')
  phone.fail('request', 'hang')
  phone.fail('request', { delay: 60_000 })
  const request = (callbacks: object) => phone.wx.request({ url, ...callbacks })

  const failed = await failure(request)
  const arrivedBefore = arrived
  const lost = await failure(request)
  const hanging = failure((callbacks) => {
    const task = request(callbacks)
    setTimeout(task.abort, 20)
  })
  t.is(failed.errMsg, 'request:fail errcode:-118')
  t.is(arrivedBefore, 0)
  t.is(lost.errno, 600001)
  t.is(arrived, 1)
  t.is((await hanging).errMsg, 'request:fail abort')

  const late = result<RequestResult>((callbacks) => phone.wx.request({ url, timeout: 90_000, ...callbacks }))
  await soon(50)
  t.is(arrived, 1)
  wechat.clock.advance(60_000)
  t.is((await late).data, 'done')
})

test('what a callback throws is an uncaught error of the app, and complete still runs', async (t) => {
  const { wx } = startWechat(t).phone()
  const uncaught: unknown[] = []
  const others = process.rawListeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => uncaught.push(error.message))
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener as () => void)
  })
  let completed = false

  wx.login({
    success() {
      throw new Error("the app's mistake")
    },
    complete() {
      completed = true
    },
  })
  await soon()

  t.true(completed)
  t.deepEqual(uncaught, ["the app's mistake"])
})
