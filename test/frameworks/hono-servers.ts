/** The servers that Hono has on Node beside that of HTTP/1, and what handlers write past Hono, for each of its adapters. */
import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { type HonoBridge, honoBridge, wxSession, wxUser } from '../../src/bridge/index.js'
import { memoryStore, weappSession } from '../../src/index.js'
import { until } from '../support/until.js'
import { CARRIERS } from '../support/visitor.js'
import { codeLoginHeaders, startWechat } from '../support/wechat.js'
import { createMeeting } from './support/meeting.js'
import { type Load, usePackages } from './support/packages.js'

/** As much of Hono as is used here. */
interface Hono {
  fetch: unknown
  use(middleware: HonoBridge): void
  get(path: string, ...handlers: Handler[]): void
  request(path: string): Promise<Response>
  onError(handler: (error: Error, c: HonoContext) => Response): void
}

type Handler = (c: HonoContext, next: () => Promise<void>) => unknown

interface HonoContext {
  readonly env: { incoming: IncomingMessage; outgoing: ServerResponse }
  readonly error: Error | undefined
  res: Response
  json(body: unknown, status?: number): Response
}

/** What happens in a socket. */
export interface SocketEvents {
  onOpen?(event: unknown, socket: { send(text: string): void; close(): void }): void
  onMessage?(event: { data: unknown }, socket: { send(text: string): void }): void
}

export interface Adapter {
  /** The folder with its packages. */
  name: string
  /** Has a server with sockets listen, on a port that is free. */
  serveSockets(
    load: Load,
    app: Hono,
  ): Promise<{ server: Server; upgradeWebSocket: (events: (c: HonoContext) => SocketEvents) => Handler }>
}

export function proveServers(adapter: Adapter): void {
  const { name } = adapter
  const load = usePackages(test, name)

  async function createApp(t: ExecutionContext) {
    const wechat = startWechat(t)
    const { appId, appSecret, fetch } = wechat
    const errors: string[] = []
    const session = weappSession({
      appId,
      appSecret,
      wechat: { fetch },
      carrier: CARRIERS.header(),
      store: memoryStore(),
    })
    const bridge = honoBridge(session, { onError: ({ message }) => errors.push(message) })
    const { Hono } = await load<{ Hono: new () => Hono }>('hono')
    // Before there is a server, as in a program: that puts a Response of its own in the place of Node's.
    const { RESPONSE_ALREADY_SENT } = await load<{ RESPONSE_ALREADY_SENT: Response }>(
      '@hono/node-server/utils/response',
    )
    const app = new Hono()
    app.use(bridge)
    app.get('/me', (c) => c.json({ openId: wxUser(c)?.openId ?? null, data: wxSession(c)?.data ?? null }))
    app.get('/members', bridge.requireUser, (c) => c.json({ openId: wxUser(c)?.openId }))
    // Hono takes no routes any more when it has served a request.
    const scene = {
      app,
      bridge,
      wechat,
      errors,
      RESPONSE_ALREADY_SENT,
      handler: (() => undefined) as Handler,
    }
    app.get('/handler/*', (c, next) => scene.handler(c, next))
    app.get('/members/*', bridge.requireUser, (c, next) => scene.handler(c, next))
    return { ...scene, scene }
  }

  async function listening(t: ExecutionContext, server: Server | http2.Http2Server): Promise<number> {
    t.teardown(() => server.close())
    if (!server.listening) await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async function serve(options: object): Promise<Server | http2.Http2Server> {
    const { serve } = await load<{ serve(options: object): Server }>('@hono/node-server')
    return serve({ port: 0, hostname: '127.0.0.1', ...options })
  }

  async function startHttp(t: ExecutionContext) {
    const scene = await createApp(t)
    const server = (await serve({ fetch: scene.app.fetch })) as Server
    const url = `http://127.0.0.1:${await listening(t, server)}`
    t.teardown(() => server.closeAllConnections())
    const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers })
    const logIn = async () => {
      const response = await get('/me', await codeLoginHeaders(scene.wechat.phone('alice')))
      return { 'X-WX-Session': response.headers.get('X-WX-Session') ?? '' }
    }
    return { ...scene, url, get, logIn }
  }

  async function startHttp2(t: ExecutionContext) {
    const scene = await createApp(t)
    const server = await serve({ fetch: scene.app.fetch, createServer: http2.createServer })
    const client = http2.connect(`http://127.0.0.1:${await listening(t, server)}`)
    t.teardown(() => client.destroy())
    const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
      const stream = client.request({ ':path': path, ':method': method, ...headers })
      const [[answered], body] = await Promise.all([once(stream, 'response'), text(stream)])
      return { headers: answered as http2.IncomingHttpHeaders, status: answered[':status'], text: body }
    }
    const logIn = async () => {
      const { headers } = await get('/me', await codeLoginHeaders(scene.wechat.phone('alice')))
      return { 'x-wx-session': String(headers['x-wx-session']) }
    }
    return { ...scene, get, logIn }
  }

  test(`honoBridge(), ${name}, HTTP/2: a login is accepted, its credential is good, and a bad one is refused`, async (t) => {
    const { get, wechat } = await startHttp2(t)

    const login = await get('/me', await codeLoginHeaders(wechat.phone('alice')))
    const alice = { 'x-wx-session': String(login.headers['x-wx-session']) }
    const members = await get('/members', alice)
    const guest = await get('/members')
    const dead = await get('/me', { 'x-wx-session': 'of nobody' })
    const head = await get('/me', { 'x-wx-session': 'of nobody' }, 'HEAD')

    t.is(login.headers['x-wx-login'], 'accepted')
    t.is(login.headers['cache-control'], 'no-store')
    t.is(JSON.parse(members.text).openId, wechat.user('alice').openId)
    for (const { status, text } of [guest, dead]) {
      t.is(status, 401)
      t.is(typeof JSON.parse(text).reason, 'string')
    }
    t.is(dead.headers['x-wx-session-error'], 'ERR_SESSION_EXPIRED')
    t.is(head.status, 401)
    t.is(head.text, '')
  })

  test(`honoBridge(), ${name}, HTTP/2: of two streams that take the same, one is ERR_SESSION_CONFLICT`, async (t) => {
    const { scene, get, logIn } = await startHttp2(t)
    const both = createMeeting()
    const alice = await logIn()
    scene.handler = async (c) => {
      const session = wxSession(c)
      if (session) session.data.seat = c.env.incoming.url
      await both()
      return c.json(session?.data)
    }

    const answers = await Promise.all(['/handler/a', '/handler/b'].map((path) => get(path, alice)))

    t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  })

  const BY_HAND: Record<string, (response: ServerResponse) => Promise<void> | void> = {
    'at once': (response) => void response.writeHead(200, { 'X-Own': '1' }).end('by hand'),
    'and waits for it': async (response) => {
      response.writeHead(200, { 'X-Own': '1' }).write('by ')
      await new Promise((resolve) => response.end('hand', () => resolve(undefined)))
    },
    later: (response) => void setTimeout(() => response.writeHead(200, { 'X-Own': '1' }).end('by hand'), 20),
  }

  for (const [when, write] of Object.entries(BY_HAND)) {
    test(`honoBridge(), ${name}, RESPONSE_ALREADY_SENT: what a handler writes itself, ${when}, goes out when the data is saved`, async (t) => {
      const { scene, get, logIn, RESPONSE_ALREADY_SENT } = await startHttp(t)
      scene.handler = async (c) => {
        const session = wxSession(c)
        if (session) session.data.cart = ['tea']
        await write(c.env.outgoing)
        return RESPONSE_ALREADY_SENT
      }
      const alice = await logIn()

      const byHand = await get('/handler/by-hand', alice)
      const text = await byHand.text()
      const { data } = JSON.parse(await (await get('/me', alice)).text())

      t.is(text, 'by hand')
      t.is(byHand.headers.get('X-Own'), '1')
      t.deepEqual(data, { cart: ['tea'] })
    })

    test(`honoBridge(), ${name}, RESPONSE_ALREADY_SENT: a conflict goes out in the place of what a handler writes itself, ${when}`, async (t) => {
      const { scene, get, logIn, errors, RESPONSE_ALREADY_SENT } = await startHttp(t)
      const both = createMeeting()
      let written = 0
      scene.handler = async (c) => {
        const session = wxSession(c)
        if (session) session.data.seat = c.env.incoming.url
        await both()
        const { end } = c.env.outgoing
        // Nothing that it writes throws.
        c.env.outgoing.end = ((...args: unknown[]) => {
          const result = Reflect.apply(end, c.env.outgoing, args)
          written += 1
          return result
        }) as typeof end
        await write(c.env.outgoing)
        return RESPONSE_ALREADY_SENT
      }
      const alice = await logIn()

      const answers = await Promise.all(['/handler/a', '/handler/b'].map((path) => get(path, alice)))
      const texts = await Promise.all(answers.map((answer) => answer.text()))
      await until(() => written === 2)

      t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
      const lost = answers.findIndex(({ status }) => status === 409)
      t.is(JSON.parse(texts[lost] ?? '').reason, 'ERR_SESSION_CONFLICT')
      t.is(answers[lost]?.headers.get('X-Own'), null)
      t.is(texts[1 - lost], 'by hand')
      t.deepEqual(errors, [])
    })
  }

  test(`honoBridge(), ${name}, RESPONSE_ALREADY_SENT: data that is no JSON is a 500, and told to onError`, async (t) => {
    const { scene, get, logIn, errors, RESPONSE_ALREADY_SENT } = await startHttp(t)
    scene.handler = (c) => {
      const session = wxSession(c)
      if (session) session.data.cart = new Map()
      c.env.outgoing.end('by hand')
      return RESPONSE_ALREADY_SENT
    }

    const answer = await get('/handler/by-hand', await logIn())

    t.is(answer.status, 500)
    t.is(await answer.text(), '')
    t.regex(errors[0] ?? '', /data\.cart/)
  })

  async function startSockets(t: ExecutionContext) {
    const scene = await createApp(t)
    const { server, upgradeWebSocket } = await adapter.serveSockets(load, scene.app)
    const port = await listening(t, server)
    t.teardown(() => server.closeAllConnections())
    const { WebSocket } = await load<{ WebSocket: WebSocketClass }>('ws')
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(`http://127.0.0.1:${port}${path}`, { headers })
    const login = await get('/me', await codeLoginHeaders(scene.wechat.phone('alice')))
    const alice = { 'X-WX-Session': login.headers.get('X-WX-Session') ?? '' }
    const open = (path: string, headers: Record<string, string>) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
      t.teardown(() => socket.on('error', () => {}).terminate())
      return socket
    }
    return { ...scene, port, get, alice, open, upgradeWebSocket }
  }

  test(`honoBridge(), ${name}, upgradeWebSocket(): a handshake has its user, and its data is saved`, async (t) => {
    const { scene, get, alice, open, upgradeWebSocket, wechat } = await startSockets(t)
    scene.handler = upgradeWebSocket((c) => {
      const session = wxSession(c)
      if (session) session.data.isWatching = true
      return {
        onOpen: (_event, socket) => socket.send(`hello ${wxUser(c)?.openId}`),
        async onMessage({ data }, socket) {
          await wxSession(c)?.update((own) => {
            own.said = String(data)
          })
          socket.send('saved')
        },
      }
    })

    const socket = open('/members/feed', alice)
    const [hello] = await once(socket, 'message')
    socket.send('tea')
    const [saved] = await once(socket, 'message')
    const { data } = JSON.parse(await (await get('/me', alice)).text())

    t.is(String(hello), `hello ${wechat.user('alice').openId}`)
    t.is(String(saved), 'saved')
    t.deepEqual(data, { isWatching: true, said: 'tea' })
  })

  test(`honoBridge(), ${name}, upgradeWebSocket(): a conflict of two handshakes is told to onError`, async (t) => {
    const { scene, get, alice, open, upgradeWebSocket, errors } = await startSockets(t)
    const both = createMeeting()
    const upgrade = upgradeWebSocket(() => ({ onOpen: (_event, socket) => socket.close() }))
    scene.handler = async (c, next) => {
      const session = wxSession(c)
      if (session) session.data.seat = c.env.incoming.url
      await both()
      return upgrade(c, next)
    }

    await Promise.all(['/handler/a', '/handler/b'].map((path) => once(open(path, alice), 'close')))
    const { data } = JSON.parse(await (await get('/me', alice)).text())

    t.regex(data.seat, /^\/handler\/[ab]$/)
    t.is(errors.length, 1)
    t.regex(errors[0] ?? '', /was not saved/)
  })

  test(`honoBridge(), ${name}, upgradeWebSocket(): nobody, and a bad credential, are refused with 401`, async (t) => {
    const { scene, open, upgradeWebSocket } = await startSockets(t)
    scene.handler = upgradeWebSocket(() => ({}))

    for (const headers of [{}, { 'X-WX-Session': 'of nobody' }] as Record<string, string>[]) {
      const socket = open('/members/feed', headers)
      const [, response] = await once(socket, 'unexpected-response')
      t.is(response.statusCode, 401)
    }
  })

  test(`honoBridge(), ${name}, upgradeWebSocket(): a handshake logs nobody in, and spends no code`, async (t) => {
    const { scene, get, open, upgradeWebSocket, wechat } = await startSockets(t)
    scene.handler = upgradeWebSocket(() => ({}))
    const bob = await codeLoginHeaders(wechat.phone('bob'))

    const [, response] = await once(open('/handler/feed', bob), 'unexpected-response')
    const login = await get('/me', bob)

    t.is(response.statusCode, 401)
    t.is(login.headers.get('X-WX-Login'), 'accepted')
  })

  test(`honoBridge(), ${name}, upgradeWebSocket(): rotate() is refused, and the credential stays good`, async (t) => {
    const { scene, get, alice, open, upgradeWebSocket } = await startSockets(t)
    const reasons: unknown[] = []
    scene.handler = upgradeWebSocket((c) => ({
      async onOpen(_event, socket) {
        await wxSession(c)
          ?.rotate()
          .catch(({ reason }) => reasons.push(reason))
        socket.close()
      },
    }))

    await once(open('/handler/feed', alice), 'close')

    t.deepEqual(reasons, ['ERR_SESSION_CONFLICT'])
    t.is((await get('/members', alice)).status, 200)
  })

  test(`honoBridge(), ${name}: a request that only says it opens a socket is answered`, async (t) => {
    const { url, logIn } = await startHttp(t)
    const alice = await logIn()
    const { hostname, port } = new URL(url)
    const socket = connectTcp(Number(port), hostname)
    const head = ['GET /members HTTP/1.1', 'Host: x', 'Connection: Upgrade', 'Upgrade: websocket']

    socket.end([...head, `X-WX-Session: ${alice['X-WX-Session']}`, '', ''].join('\r\n'))
    const answer = await text(socket)

    t.regex(answer, /^HTTP\/1.1 200 /)
  })

  test(`honoBridge(), ${name}: says what is missing, where there is no request of Node's`, async (t) => {
    const { app } = await createApp(t)
    const messages: string[] = []
    app.onError((error) => {
      messages.push(error.message)
      return new Response(null, { status: 500 })
    })

    await app.request('/me')

    t.regex(messages[0] ?? '', /c\.env\.incoming.*app\.request\(\).*app\.fetch\(request, env\)/)
  })
}

type WebSocketClass = new (
  url: string,
  options: object,
) => NodeJS.EventEmitter & { send(text: string): void; terminate(): void }
