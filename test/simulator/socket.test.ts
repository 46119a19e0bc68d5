import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'

import type { ConnectSocketOptions, Phone, SocketTask } from '../../simulator/src/index.js'
import { failure, result, run, soon, startWechat, until } from './support.js'

/** A server of sockets over HTTP that ends with the test. */
async function startSocketServer(
  t: ExecutionContext,
  serve: (socket: WebSocket, request: IncomingMessage) => void = () => {},
  options: ServerOptions = {},
): Promise<{ url: string; server: WebSocketServer }> {
  const http = createServer((_request, response) => response.end())
  const server = new WebSocketServer({ server: http, ...options })
  server.on('connection', serve)
  t.teardown(() => {
    for (const socket of server.clients) socket.terminate()
  })
  return { url: await listen(t, http), server }
}

/** A server that takes the request for a socket, and never answers. */
async function startSilentServer(t: ExecutionContext): Promise<{ url: string; arrived(): number }> {
  const connections: Duplex[] = []
  const http = createServer().on('upgrade', (_request, connection) => connections.push(connection))
  t.teardown(() => {
    for (const connection of connections) connection.destroy()
  })
  return { url: await listen(t, http), arrived: () => connections.length }
}

async function listen(t: ExecutionContext, http: Server): Promise<string> {
  t.teardown(() => http.close())
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** A socket, and what it has reported. */
interface Reported {
  task: SocketTask
  events: string[]
}

function connect({ wx }: Pick<Phone, 'wx'>, options: ConnectSocketOptions): Reported {
  const events: string[] = []
  const task = wx.connectSocket({
    success: () => events.push('created'),
    fail: ({ errMsg, errno }) => events.push(`${errMsg} (${errno})`),
    ...options,
  })
  task.onOpen(() => events.push('open'))
  task.onMessage(({ data }) => events.push(`message ${data}`))
  task.onError(({ errMsg }) => events.push(`error ${errMsg}`))
  task.onClose(({ code, reason }) => events.push(`close ${code} ${reason}`))
  return { task, events }
}

/** The same, when it is open. */
async function connected(phone: Phone, options: ConnectSocketOptions): Promise<Reported> {
  const socket = connect(phone, options)
  await opened(socket)
  return socket
}

const opened = ({ events }: Reported) => until(() => events.includes('open'))

const ended = ({ events }: Reported) => until(() => events.at(-1)?.startsWith('close ') === true)

const CHANGED = 'errcode:-21 cronet_error_code:-21 error_msg:net::ERR_NETWORK_CHANGED'
const DISCONNECTED = 'errcode:-106 cronet_error_code:-106 error_msg:net::ERR_INTERNET_DISCONNECTED'

test('text and buffers go both ways as they are', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startSocketServer(t, (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const { task } = await connected(phone, { url })
  const received: unknown[] = []
  task.onMessage(({ data }) => received.push(data))
  const outcomes: unknown[] = []

  const text = await result((callbacks) => task.send({ data: '小明', ...callbacks }))
  const buffer = new TextEncoder().encode('bytes').buffer
  task.send({ data: buffer, complete: ({ errMsg }) => outcomes.push(errMsg) })
  new Uint8Array(buffer).fill(0)
  task.send({ data: '' })
  await until(() => received.length === 3)

  t.deepEqual(text, { errMsg: 'sendSocketMessage:ok' })
  t.deepEqual(outcomes, ['sendSocketMessage:ok'])
  t.deepEqual(received, ['小明', new TextEncoder().encode('bytes').buffer, ''])
})

test('success means created, and comes before the socket opens', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startSocketServer(t, (socket) => socket.send('welcome'))

  const socket = connect(phone, { url })
  t.deepEqual(socket.events, [])
  await until(() => socket.events.length === 3)

  t.deepEqual(socket.events, ['created', 'open', 'message welcome'])
  t.is(phone.counts.connectSocket, 1)
})

test('the handshake has the headers of the app, the Referer of WeChat, and an answer', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  let headers: object = {}
  const { url, server } = await startSocketServer(t, (_socket, request) => {
    headers = request.headers
  })
  server.on('headers', (answer) => answer.push('X-Mixed-case: yes'))

  const header = await new Promise<Record<string, string>>((resolve) => {
    const task = phone.wx.connectSocket({
      url,
      header: { 'X-WX-Code': 'a code', 'X-Number': 1, referer: 'https://other' },
    })
    task.onOpen((event) => resolve(event.header))
  })

  t.is(header['X-Mixed-case'], 'yes')
  t.like(headers, {
    'x-wx-code': 'a code',
    'x-number': '1',
    referer: `https://servicewechat.com/${wechat.appId}/1/page-frame.html`,
  })
})

test('one of the protocols is agreed on', async (t) => {
  const phone = startWechat(t).phone()
  let protocol = ''
  const { url } = await startSocketServer(
    t,
    (socket) => {
      protocol = socket.protocol
    },
    { handleProtocols: () => 'two' },
  )

  await connected(phone, { url, protocols: ['one', 'two'] })

  t.is(protocol, 'two')
})

test('a handshake that is refused is an error, then a close', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startSocketServer(t, () => {}, {
    verifyClient: (_info, answer) => answer(false, 401),
  })

  const refused = connect(phone, { url })
  const unheard = connect(phone, { url: 'ws://127.0.0.1:1' })
  await Promise.all([ended(refused), ended(unheard)])
  await soon()

  t.deepEqual(refused.events, [
    'created',
    'error Unexpected server response: 401',
    'close 1006 abnormal closure',
  ])
  t.deepEqual(unheard.events, [
    'created',
    'error errcode:-102 cronet_error_code:-102 error_msg:net::ERR_CONNECTION_REFUSED',
    'close 1006 abnormal closure',
  ])
})

test('codes and reasons of a close go both ways', async (t) => {
  const phone = startWechat(t).phone()
  const heard: string[] = []
  const { url } = await startSocketServer(t, (socket, { url }) => {
    socket.on('close', (code, reason) => heard.push(`${url} ${code} ${reason}`))
    if (url === '/expired') socket.close(4401, 'expired')
    if (url === '/gone') socket.terminate()
  })

  const byApp = await connected(phone, { url: `${url}/app` })
  const closed = await result((callbacks) => byApp.task.close({ code: 4001, reason: '再见', ...callbacks }))
  const byDefault = await connected(phone, { url: `${url}/default` })
  byDefault.task.close()
  const byServer = await connected(phone, { url: `${url}/expired` })
  const gone = await connected(phone, { url: `${url}/gone` })
  await Promise.all([byApp, byDefault, byServer, gone].map(ended))

  t.deepEqual(closed, { errMsg: 'closeSocket:ok' })
  t.deepEqual(byApp.events, ['created', 'open', 'close 4001 再见'])
  t.deepEqual(byDefault.events, ['created', 'open', 'close 1000 '])
  t.deepEqual(byServer.events, ['created', 'open', 'close 4401 expired'])
  t.deepEqual(gone.events, ['created', 'open', 'close 1006 abnormal closure'])
  await until(() => heard.length === 4)
  t.true(heard.includes('/app 4001 再见'))
  t.true(heard.includes('/default 1000 '))
})

test('only an open socket sends, and a socket is closed once', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startSocketServer(t)
  const socket = connect(phone, { url })
  const send = async (data: unknown = 'text') => {
    const { errMsg } = await failure((callbacks) => {
      socket.task.send({ data: data as string, ...callbacks })
    })
    return errMsg
  }
  const close = async (code?: number, reason?: string) =>
    (await failure((callbacks) => socket.task.close({ code, reason, ...callbacks }))).errMsg
  const notConnected = 'sendSocketMessage:fail websocket is not connected'

  t.is(await send(), notConnected)
  await opened(socket)
  t.regex(await send({ not: 'text' }), /^sendSocketMessage:fail parameter error/)
  t.regex(await close(1006), /^closeSocket:fail .*code/)
  t.regex(await close(4000, 'x'.repeat(124)), /^closeSocket:fail .*123 bytes/)
  socket.task.close()
  t.is(await close(), 'closeSocket:fail websocket is not connected')
  t.is(await send(), notConnected)
  await ended(socket)
  t.is(await send(), notConnected)
  t.is(await close(), 'closeSocket:fail websocket is not connected')
})

test('a goodbye that is not answered ends after 30 seconds', async (t) => {
  const wechat = startWechat(t)
  const { url } = await startSocketServer(t, (socket) => socket.pause())
  const socket = await connected(wechat.phone(), { url })

  socket.task.close()
  await soon()
  t.deepEqual(socket.events, ['created', 'open'])
  wechat.clock.advance(30_000)
  await ended(socket)

  t.deepEqual(socket.events, ['created', 'open', 'close 1006 abnormal closure'])
})

test('what cannot be created fails, with an errno', async (t) => {
  const phone = startWechat(t).phone('alice', { domains: ['wss://api.example.com'] })
  const free = startWechat(t).phone()
  const url = 'ws://127.0.0.1:1'
  const errno = async (options: ConnectSocketOptions, { wx } = free) =>
    (await failure((callbacks) => wx.connectSocket({ ...options, ...callbacks }))).errno

  t.is(await errno({ url: '/relative' }), 600009)
  t.is(await errno({ url: 'https://example.com' }), 600009)
  t.is(await errno({ url }, phone), 600002)
  t.is(await errno({ url, header: { 'X-Any': '小明' } }), 600000)
  t.is(await errno({ url, protocols: ['not a token'] }), 600000)
})

test('five sockets at a time, and requests have places of their own', async (t) => {
  const phone = startWechat(t).phone()
  const { url, server } = await startSocketServer(t)
  const first = await connected(phone, { url })
  await Promise.all(Array.from({ length: 4 }, () => connected(phone, { url })))

  const sixth = await failure((callbacks) => phone.wx.connectSocket({ url, ...callbacks }))
  t.deepEqual(sixth, {
    errMsg: 'connectSocket:fail reach max websocket connect count 5',
    errno: 600007,
  })
  t.is(server.clients.size, 5)
  const answer = await result<{ statusCode: number }>((callbacks) =>
    phone.wx.request({ url: url.replace('ws:', 'http:'), ...callbacks }),
  )
  t.is(answer.statusCode, 200)

  first.task.close()
  await ended(first)
  await connected(phone, { url })
  t.is(phone.counts.connectSocket, 7)
})

test('a change of network ends what is open and what is opening', async (t) => {
  const phone = startWechat(t).phone()
  let left = 0
  const { url } = await startSocketServer(t, (socket) => socket.on('close', () => (left += 1)))
  const silent = await startSilentServer(t)
  const running = await connected(phone, { url })
  const opening = connect(phone, { url: silent.url })
  await until(() => silent.arrived() === 1)
  const creating = connect(phone, { url })

  phone.switchNetwork()
  t.deepEqual(running.events, ['created', 'open'])
  await Promise.all([ended(running), ended(opening)])
  await until(() => left === 1)
  await soon()

  t.deepEqual(running.events, ['created', 'open', `error ${CHANGED}`, 'close 1006 abnormal closure'])
  t.deepEqual(opening.events, ['created', `error ${CHANGED}`, 'close 1006 abnormal closure'])
  t.deepEqual(creating.events, [`connectSocket:fail ${CHANGED} (600001)`])
  await connected(phone, { url })
})

test('without a network sockets end, and new ones fail', async (t) => {
  const phone = startWechat(t).phone()
  const { url } = await startSocketServer(t)
  const running = await connected(phone, { url })

  phone.offline = true
  const fresh = connect(phone, { url })
  await ended(running)

  t.deepEqual(running.events.slice(2), [`error ${DISCONNECTED}`, 'close 1006 abnormal closure'])
  t.deepEqual(fresh.events, [`connectSocket:fail ${DISCONNECTED} (600001)`])
  phone.offline = false
  await connected(phone, { url })
})

test('in the background a socket has five seconds, and a new one none', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const { url, server } = await startSocketServer(t)
  const socket = await connected(phone, { url })

  phone.enterBackground()
  const { errMsg, errno } = await failure((callbacks) => phone.wx.connectSocket({ url, ...callbacks }))
  wechat.clock.advance(1000)
  for (const each of server.clients) each.send('still there')
  await until(() => socket.events.length === 3)
  wechat.clock.advance(4000)
  await ended(socket)

  t.deepEqual([errMsg, errno], ['connectSocket:fail interrupted', 600003])
  t.deepEqual(socket.events.slice(2), [
    'message still there',
    'error interrupted',
    'close 1006 abnormal closure',
  ])
  phone.enterForeground()
  await connected(phone, { url })
})

test('after a cold start the sockets of the killed app are gone without a word', async (t) => {
  const phone = startWechat(t).phone()
  const codes: number[] = []
  const { url, server } = await startSocketServer(t, (socket) =>
    socket.on('close', (code) => codes.push(code)),
  )
  const running = await connected(phone, { url })
  const creating = connect(phone, { url })
  const { wx } = phone

  for (const socket of server.clients) socket.send('too late')
  phone.coldStart()
  running.task.send({ data: 'text', complete: () => running.events.push('sent') })
  running.task.close({ complete: () => running.events.push('closed') })
  const dead = connect({ wx }, { url })
  dead.task.close({ complete: () => dead.events.push('closed') })
  await until(() => codes.length === 1)
  await soon(50)

  t.deepEqual(codes, [1006])
  t.deepEqual(running.events, ['created', 'open'])
  t.deepEqual([creating.events, dead.events], [[], []])
  t.is(server.clients.size, 0)
  await Promise.all(Array.from({ length: 5 }, () => connected(phone, { url })))
})

test('a socket can be made to fail, hang, or be late', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const { url, server } = await startSocketServer(t)
  phone.fail('connectSocket', { errMsg: 'connectSocket:fail any', errno: 1 })
  phone.fail('connectSocket', 'hang')
  phone.fail('connectSocket', { delay: 90_000 })

  const failing = connect(phone, { url })
  const hanging = connect(phone, { url, timeout: 10 })
  const late = connect(phone, { url })
  await until(() => failing.events.length === 1)
  await soon(50)

  t.deepEqual(failing.events, ['connectSocket:fail any (1)'])
  t.deepEqual([hanging.events, late.events], [[], []])
  t.is(server.clients.size, 0)
  hanging.task.close()
  wechat.clock.advance(90_000)
  await opened(late)
  t.deepEqual(hanging.events, ['connectSocket:fail abort (600003)'])
})

test('a socket times out by the clock of the simulator, until it is open', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const { url } = await startSocketServer(t)
  const silent = await startSilentServer(t)
  const chosen = connect(phone, { url: silent.url, timeout: 30_000 })
  const byDefault = connect(phone, { url: silent.url })
  const inTime = await connected(phone, { url })
  await until(() => silent.arrived() === 2)

  wechat.clock.advance(30_000)
  await ended(chosen)
  t.deepEqual(byDefault.events, ['created'])
  wechat.clock.advance(30_000)
  await ended(byDefault)

  t.deepEqual(chosen.events, ['created', 'error timeout', 'close 1006 abnormal closure'])
  t.deepEqual(byDefault.events, chosen.events)
  t.deepEqual(inTime.events, ['created', 'open'])
})

test('closed before it is open, a socket gives the handshake up', async (t) => {
  const phone = startWechat(t).phone()
  const { url, arrived } = await startSilentServer(t)
  const socket = connect(phone, { url })
  await until(() => arrived() === 1)

  await result((callbacks) => socket.task.close(callbacks))
  await ended(socket)
  await soon()

  t.deepEqual(socket.events, ['created', 'close 1006 abnormal closure'])
})

test('a closed simulator ends its sockets, and lets the process end', async (t) => {
  const ws = import.meta.resolve('ws')
  const { exitCode, output } = await run(`
    import { WebSocketServer } from '${ws}'
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    server.on('connection', (socket) => socket.pause())
    await new Promise((resolve) => server.once('listening', resolve))
    const url = 'ws://127.0.0.1:' + server.address().port
    const wechat = createWechat()
    const phone = wechat.phone()
    const connect = () => {
      const task = phone.wx.connectSocket({ url, fail: ({ errMsg }) => console.log('failed', errMsg) })
      task.onError(({ errMsg }) => console.log('error', errMsg))
      task.onClose(({ code }) => console.log('closed', code))
      return new Promise((resolve) => task.onOpen(() => resolve(task)))
    }
    await connect()
    const closing = await connect()
    closing.close()
    phone.fail('connectSocket', 'hang')
    connect()
    phone.fail('connectSocket', { delay: 60_000 })
    connect()
    connect()
    await wechat.close()
    server.close()
    process.on('exit', () => console.log('left', server.clients.size))
    for (const socket of server.clients) socket.resume()
  `)

  t.is(exitCode, 0, output)
  t.is(output.match(/closed 1006/g)?.length, 2, output)
  t.is(output.match(/failed connectSocket:fail errcode:-106/g)?.length, 3, output)
  t.regex(output, /left 0/)
})

test('without the package ws a socket fails, and says what it needs', async (t) => {
  const { exitCode, output } = await run(`
    import { register } from 'node:module'
    const hook = \`export async function resolve(specifier, context, next) {
      if (specifier === 'ws') throw new Error("Cannot find package 'ws'")
      return next(specifier, context)
    }\`
    register('data:text/javascript,' + encodeURIComponent(hook))
    const wechat = createWechat()
    const fail = ({ errMsg }) => console.log(errMsg)
    wechat.phone().wx.connectSocket({ url: 'ws://127.0.0.1:1', fail, complete: () => wechat.close() })
  `)

  t.is(exitCode, 0, output)
  t.regex(output, /^connectSocket:fail needs the package ws .*: Cannot find package 'ws'/)
})

test('wx.onSocketOpen(): the calls of before are about the latest socket', async (t) => {
  const { url } = await startSocketServer(t, (socket) => {
    socket.on('message', (data) => socket.send(`echo ${data}`))
  })
  const { wx } = startWechat(t).phone()
  const events: string[] = []
  wx.onSocketOpen(() => events.push('open'))
  wx.onSocketMessage(({ data }) => events.push(`message ${data}`))
  wx.onSocketError(() => events.push('error'))
  wx.onSocketClose(({ code }) => events.push(`close ${code}`))

  const early = await failure((callbacks) => wx.sendSocketMessage({ data: 'x', ...callbacks }))
  const old = wx.connectSocket({ url })
  wx.connectSocket({ url })
  await until(() => events.includes('open'))
  await result((callbacks) => wx.sendSocketMessage({ data: 'hello', ...callbacks }))
  await until(() => events.includes('message echo hello'))
  old.close()
  await soon()
  wx.closeSocket()
  await until(() => events.length === 3)

  t.is(early.errMsg, 'sendSocketMessage:fail websocket is not connected')
  t.deepEqual(events, ['open', 'message echo hello', 'close 1000'])
})
