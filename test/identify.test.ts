/** session.identify(): who makes a request that Koa does not serve. */
import { createServer, type IncomingMessage } from 'node:http'
import test from 'ava'
import type { Context } from 'koa'
import { WebSocket, WebSocketServer } from 'ws'
import { codeCarrier, headerCarrier, memoryStore, WeappSessionError } from '../src/index.js'
import { startServer } from './support/server.js'
import { CARRIERS, type CarrierName, KEY, kept } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, newCode, startWechat } from './support/wechat.js'

const requestWith = (headers: Record<string, string>, url = '/') => {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: 'GET',
    url,
    headers: Object.fromEntries(entries),
    rawHeaders: Object.entries(headers).flat(),
  } as unknown as IncomingMessage
}

for (const name of Object.keys(CARRIERS) as CarrierName[]) {
  test(`identify() (${name}): the user of a session, nobody, and a refusal with its status and headers`, async (t) => {
    const server = await startServer(t, { carrier: CARRIERS[name]() })
    const headers = await codeLoginHeaders(server.wechat.phone('alice'))
    const login = await server.send(headers)
    const credential = name === 'code' ? codeOnly(headers) : kept(login)
    const { identify } = server.session

    const user = await identify(requestWith(credential))
    t.is(user?.openId, server.wechat.user('alice').openId)
    t.is(await identify(requestWith({})), null)

    await server.session.revoke(server.wechat.user('alice').openId)
    const error = await t.throwsAsync(async () => identify(requestWith(credential)), {
      instanceOf: WeappSessionError,
    })
    t.is(error?.reason, 'ERR_SESSION_EXPIRED')
    t.is(error?.status, 401)
    t.is(error?.headers['X-WX-Session-Error'], 'ERR_SESSION_EXPIRED')
  })
}

test('identify(): it never logs in, because a handshake cannot bring the word', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.header() })
  const login = { 'Weapp-Code': await newCode(server.wechat.phone()), 'Weapp-Login': 'code' }
  const error = await t.throwsAsync(async () => server.session.identify(requestWith(login)))
  t.like(error, { reason: 'ERR_LOGIN_REQUIRED', status: 401 })
  t.is((error as WeappSessionError).headers['Weapp-Session-Error'], 'ERR_LOGIN_REQUIRED')
  t.is((error as WeappSessionError).headers['X-WX-Session-Error'], undefined)
  t.is(server.wechat.exchanges, 0)
  t.is((await server.send(login)).status, 200, 'the code is still good')
  await t.throwsAsync(async () => server.session.identify(requestWith({ 'Weapp-Code': 'bare' })), {
    message: /issues credentials of its own/,
  })
})

test('identify(): an outage of the store is ERR_STORE_UNAVAILABLE, and no logout', async (t) => {
  const inner = memoryStore()
  let isAway = false
  const read: typeof inner.read = async (id) => {
    if (isAway) throw new Error('away')
    return inner.read(id)
  }
  const server = await startServer(t, { carrier: CARRIERS.header(), store: { ...inner, read, timeout: 250 } })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
  isAway = true
  const error = await t.throwsAsync(async () => server.session.identify(requestWith(kept(login))))
  t.like(error, { reason: 'ERR_STORE_UNAVAILABLE', status: 503 })
  t.is((error as WeappSessionError).headers['Retry-After'], '1')
})

test('identify(): a guest is nobody; of several mini programs it finds the right one', async (t) => {
  const guests = await startServer(t, {
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    handler: (ctx) => {
      if (ctx.$wxSession) ctx.$wxSession.data.cart = 1
      ctx.body = 'ok'
    },
  })
  t.is(await guests.session.identify(requestWith(kept(await guests.send()))), null)

  const [shop, game] = [startWechat(t), startWechat(t)]
  const apps = { [shop.appId]: shop.appSecret, [game.appId]: game.appSecret }
  const options = { apps, appId: undefined, appSecret: undefined, carrier: codeCarrier() }
  const appIdOf = async (ctx: Context) =>
    ctx.path === '/feed' && 'room' in ctx.query ? ctx.get('My-App') : shop.appId
  const server = await startServer(t, { weixin: game, ...options, appIdOf })
  const headers = { ...(await codeLoginHeaders(game.phone('alice'))), 'My-App': game.appId }
  t.is((await server.send(headers, '/feed?room=1')).status, 200)
  const found = await server.session.identify(
    requestWith({ ...codeOnly(headers), 'My-App': game.appId }, '/feed?room=1'),
  )
  t.is(found?.appId, game.appId)
  const lost = await t.throwsAsync(async () => server.session.identify(requestWith(codeOnly(headers))))
  t.is((lost as WeappSessionError).reason, 'ERR_SESSION_EXPIRED')
})

test('identify(): the recipe for ws lets users in, and says why it refuses the others', async (t) => {
  const wechat = startWechat(t)
  const server = await startServer(t, { weixin: wechat, carrier: CARRIERS.header() })
  const login = await server.send(await codeLoginHeaders(wechat.phone('alice')))
  const sockets = new WebSocketServer({ noServer: true })
  const http = createServer()
  http.on('upgrade', async (request, socket, head) => {
    try {
      const user = await server.session.identify(request)
      if (!user) throw new WeappSessionError('ERR_LOGIN_REQUIRED')
      sockets.handleUpgrade(request, socket, head, (webSocket) => webSocket.send(user.openId))
    } catch (error) {
      const { status, headers } = error as WeappSessionError
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\n${lines.join('')}\r\n`)
    }
  })
  const url = await new Promise<string>((resolve) => {
    http.listen(0, '127.0.0.1', () => resolve(`ws://127.0.0.1:${(http.address() as { port: number }).port}`))
  })
  t.teardown(() => http.close())

  const heard = await new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers: kept(login) })
    socket.on('message', (data) => {
      socket.close()
      resolve(String(data))
    })
    socket.on('error', reject)
  })
  t.is(heard, wechat.user('alice').openId)
  for (const headers of [{}, { 'X-WX-Session': 'dead' }]) {
    const status = await new Promise((resolve) => {
      new WebSocket(url, { headers }).on('unexpected-response', (_, response) => resolve(response.statusCode))
    })
    t.is(status, 401)
  }
})

test('identify(): whatever a client writes as its URL, and however little there is of a request', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.header() })
  for (const url of [
    '//',
    '///',
    'http://[',
    'http://',
    'http://a:99999/',
    '*',
    '',
    '?x',
    '\u0000',
    'a'.repeat(100_000),
  ])
    t.is(await server.session.identify(requestWith({}, url)), null, url.slice(0, 20))
  t.is(await server.session.identify({ headers: {} } as IncomingMessage), null)
})
