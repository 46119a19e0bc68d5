import type { ServerResponse } from 'node:http'
import test from 'ava'

import { failure, read, result, soon, startServer, startWechat, until } from './support.js'

test('ten requests run at a time, and the others wait in order', async (t) => {
  const { wx } = startWechat(t).phone()
  const open = new Map<string | undefined, ServerResponse>()
  const url = await startServer(t, (request, response) => open.set(request.url, response))
  const done: number[] = []
  for (let i = 0; i < 13; i += 1) wx.request({ url: `${url}/${i}`, success: () => done.push(i) })

  await until(() => open.size >= 10)
  await soon()
  t.is(open.size, 10)
  open.get('/3')?.end()
  await until(() => open.size > 10)
  await soon()
  t.deepEqual([...open.keys()].slice(10), ['/10'])
  t.deepEqual(done, [3])
  for (const response of open.values()) response.end()
  await until(() => open.size === 13)
  for (const response of open.values()) response.end()
  await until(() => done.length === 13)

  t.pass()
})

test('uploads and downloads share the ten places', async (t) => {
  const phone = startWechat(t).phone()
  let arrived = 0
  const url = await startServer(t, () => {
    arrived += 1
  })
  phone.files.write('a.txt', 'a')
  for (let i = 0; i < 5; i += 1) {
    phone.wx.request({ url })
    phone.wx.uploadFile({ url, filePath: 'a.txt', name: 'file' })
    phone.wx.downloadFile({ url })
  }
  await until(() => arrived >= 10)
  await soon()

  t.is(arrived, 10)
})

test('a change of network fails what runs, and what waits goes on', async (t) => {
  const phone = startWechat(t).phone()
  let arrived = 0
  const url = await startServer(t, (_request, response) => {
    arrived += 1
    if (arrived > 10) response.end('done')
  })
  const running = Array.from({ length: 10 }, () =>
    failure((callbacks) => phone.wx.request({ url, ...callbacks })),
  )
  const waiting = result((callbacks) => phone.wx.request({ url, ...callbacks }))
  await until(() => arrived === 10)

  phone.switchNetwork()

  for (const { errno, errMsg } of await Promise.all(running)) {
    t.is(errno, 600001)
    t.regex(errMsg, /^request:fail errcode:-21 .*ERR_NETWORK_CHANGED/)
  }
  t.like(await waiting, { data: 'done' })
})

test('without a network everything fails that needs one, and nothing else', async (t) => {
  const phone = startWechat(t).phone()
  let arrived = false
  const url = await startServer(t, () => {
    arrived = true
  })
  const running = failure((callbacks) => phone.wx.request({ url, ...callbacks }))
  await until(() => arrived)

  phone.offline = true

  t.is((await running).errno, 600001)
  t.is((await failure((callbacks) => phone.wx.request({ url, ...callbacks }))).errno, 600001)
  t.is((await failure(phone.wx.login)).errno, 600001)
  phone.wx.setStorageSync('key', 1)
  t.is(phone.wx.getStorageSync('key'), 1)
  phone.offline = false
  t.truthy(await result(phone.wx.login))
})

test('in the background a request has five seconds, and a new one none', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const events: string[] = []
  phone.wx.onAppHide(() => events.push('hide'))
  phone.wx.onAppShow(({ path }) => events.push(`show ${path}`))
  const responses: ServerResponse[] = []
  const url = await startServer(t, (_request, response) => responses.push(response))
  const request = (callbacks: object) => phone.wx.request({ url, ...callbacks })
  const quick = result(request)
  const slow = failure(request)
  await until(() => responses.length === 2)

  phone.enterBackground()
  const fresh = await failure(request)
  responses[0]?.end()
  await quick
  wechat.clock.advance(5000)

  t.deepEqual(fresh, { errMsg: 'request:fail interrupted', errno: 600003 })
  t.deepEqual(await slow, fresh)
  phone.enterForeground()
  const after = result(request)
  await until(() => responses.length === 3)
  responses[2]?.end()
  await after
  t.deepEqual(events, ['hide', 'show pages/index/index'])
})

test('a request goes on when the app is back within five seconds', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const responses: ServerResponse[] = []
  const url = await startServer(t, (_request, response) => responses.push(response))
  const request = result((callbacks) => phone.wx.request({ url, ...callbacks }))
  await until(() => responses.length === 1)

  phone.enterBackground()
  wechat.clock.advance(4000)
  phone.enterForeground()
  wechat.clock.advance(4000)
  responses[0]?.end()

  t.like(await request, { statusCode: 200 })
})

test('an upload is a form, and its answer is text without headers', async (t) => {
  const phone = startWechat(t).phone()
  phone.files.write('wxfile://album/a "b".txt', 'content of the file')
  let headers: object = {}
  const url = await startServer(t, async (request, response) => {
    headers = request.headers
    const form = await new Response(await read(request), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    }).formData()
    const file = form.get('picture')
    response.statusCode = 201
    response.setHeader('Set-Cookie', 'a=1')
    response.end(
      JSON.stringify({ title: form.get('title'), text: file instanceof File && (await file.text()) }),
    )
  })
  let progress = 0

  const answer = await result((callbacks) => {
    const task = phone.wx.uploadFile({
      ...{ url, filePath: 'wxfile://album/a "b".txt', name: 'picture', formData: { title: 'Title' } },
      header: { 'X-Any': 'yes', 'content-type': 'text/plain' },
      ...callbacks,
    })
    task.onProgressUpdate((update) => {
      progress = update.progress
    })
  })

  t.deepEqual(answer as object, {
    data: '{"title":"Title","text":"content of the file"}',
    statusCode: 201,
    errMsg: 'uploadFile:ok',
  })
  t.like(headers, { 'x-any': 'yes' })
  t.is(progress, 100)
})

test('an upload of a file that is not there fails', async (t) => {
  const { wx } = startWechat(t).phone()

  const { errMsg } = await failure((callbacks) =>
    wx.uploadFile({ url: 'http://127.0.0.1:1', filePath: 'none', name: 'file', ...callbacks }),
  )

  t.is(errMsg, 'uploadFile:fail no such file "none"')
})

test('a download is a file whatever the status, and has no header', async (t) => {
  const phone = startWechat(t).phone()
  const url = await startServer(t, (_request, response) => response.writeHead(401).end('refused'))

  const temporary = await result<{ tempFilePath?: string }>((callbacks) =>
    phone.wx.downloadFile({ url, ...callbacks }),
  )
  const chosen = await result((callbacks) =>
    phone.wx.downloadFile({ url, filePath: 'wxfile://usr/a', ...callbacks }),
  )

  const { tempFilePath = '' } = temporary
  t.deepEqual(temporary, { statusCode: 401, tempFilePath, errMsg: 'downloadFile:ok' } as object)
  t.is(phone.files.read(tempFilePath)?.toString(), 'refused')
  t.deepEqual(chosen as object, { statusCode: 401, filePath: 'wxfile://usr/a', errMsg: 'downloadFile:ok' })
})
