/** Fastify 5 with what answers in its own way: plugins, `Response` objects, trailers, `reply.raw`, and clients that leave. */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { type FastifyBridge, fastifyBridge, wxSession, wxUser } from '../../src/bridge/index.js'
import { memoryStore, weappSession } from '../../src/index.js'
import { until } from '../support/until.js'
import { CARRIERS } from '../support/visitor.js'
import { codeLoginHeaders, startWechat } from '../support/wechat.js'
import { createMeeting } from './support/meeting.js'
import { usePackages } from './support/packages.js'

const load = usePackages(test, 'fastify-5-plugins')

/** As much of Fastify as is used here. */
interface Fastify {
  register(plugin: unknown, options?: object): Promise<void>
  get(path: string, handler: Handler): void
  get(path: string, options: object, handler: Handler | SocketHandler): void
  post(path: string, handler: Handler): void
  listen(options: { port: number; host: string }): Promise<string>
  close(): Promise<void>
  inject(options: object): Promise<{ statusCode: number; body: string; json(): { data: object } }>
}

interface Request {
  readonly raw: IncomingMessage
  readonly url: string
  parts(): AsyncIterable<{ toBuffer(): Promise<Buffer> }>
}

interface Reply {
  readonly raw: ServerResponse
  send(payload?: unknown): Reply
  code(status: number): Reply
  type(type: string): Reply
  header(name: string, value: string | number): Reply
  hijack(): Reply
  trailer(name: string, make: () => Promise<string>): Reply
}

type Handler = (request: Request, reply: Reply) => unknown
type SocketHandler = (socket: NodeJS.EventEmitter & { send(text: string): void }, request: Request) => void

async function start(
  t: ExecutionContext,
  arrange: (app: Fastify, bridge: FastifyBridge) => Promise<void> | void,
) {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const told: string[] = []
  const session = weappSession({
    appId,
    appSecret,
    wechat: { fetch },
    carrier: CARRIERS.header(),
    store: memoryStore(),
  })
  const bridge = fastifyBridge(session, { onError: ({ message }) => told.push(message) })
  const { default: createFastify } = await load<{ default: (options: object) => Fastify }>('fastify')
  const app = createFastify({ forceCloseConnections: true })
  await arrange(app, bridge)
  app.get('/me', async (request) => ({ user: wxUser(request), data: wxSession(request)?.data }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const get = (path: string, headers: Record<string, string> = {}) =>
    globalThis.fetch(url + path, { headers })
  const login = await get('/me', await codeLoginHeaders(wechat.phone('alice')))
  await login.arrayBuffer()
  const alice = { 'X-WX-Session': login.headers.get('X-WX-Session') ?? '' }
  const dataOf = async () => JSON.parse(await (await get('/me', alice)).text()).data
  /** Sends a GET, and leaves when the handler says so. */
  const leave = async (path: string, arrived: () => boolean) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-WX-Session: ${alice['X-WX-Session']}\r\n\r\n`)
    await until(arrived)
    socket.destroy()
  }
  return { app, url, wechat, get, alice, dataOf, leave, told }
}

const LONG = 'tea '.repeat(50_000)

/** Streams that were made, and those that were closed. */
function createStreams() {
  const counts = { made: 0, closed: 0 }
  const count = () => {
    counts.closed += 1
  }
  return {
    counts,
    node() {
      counts.made += 1
      return Readable.from([LONG, LONG]).on('close', count)
    },
    web() {
      counts.made += 1
      let left = 2
      return new ReadableStream<Uint8Array>({
        pull(controller) {
          if (left-- > 0) return controller.enqueue(Buffer.from(LONG))
          controller.close()
          count()
        },
        cancel: count,
      })
    },
  }
}

type Streams = ReturnType<typeof createStreams>

const ANSWERS: Record<string, { answer: (reply: Reply, streams: Streams) => unknown; text: string }> = {
  'an object': { answer: () => ({ tea: LONG }), text: JSON.stringify({ tea: LONG }) },
  'send()': { answer: (reply) => reply.type('text/plain').send(LONG), text: LONG },
  'a stream': {
    answer: (reply, streams) => reply.type('text/plain').send(streams.node()),
    text: LONG + LONG,
  },
  'a stream of the web': {
    answer: (reply, streams) => reply.type('text/plain').send(streams.web()),
    text: LONG + LONG,
  },
  'a Response': {
    answer: (_, streams) =>
      new Response(streams.web(), { status: 201, headers: { ETag: '"1"', 'Content-Type': 'text/plain' } }),
    text: LONG + LONG,
  },
  'a trailer': {
    answer: (reply) =>
      reply
        .type('text/plain')
        .trailer('X-Sum', async () => '1')
        .send(LONG),
    text: LONG,
  },
  'a length of its own': {
    answer: (reply) => reply.type('text/plain').header('Content-Length', LONG.length).send(LONG),
    text: LONG,
  },
}

for (const compressed of ['', ', @fastify/compress before it', ', @fastify/compress after it']) {
  for (const [name, { answer, text }] of Object.entries(ANSWERS)) {
    test(`fastifyBridge(), Fastify 5${compressed}: ${name}, or a conflict in its place`, async (t) => {
      const both = createMeeting()
      const streams = createStreams()
      const { url, alice } = await start(t, async (app, bridge) => {
        const { default: compress } = await load<{ default: unknown }>('@fastify/compress')
        if (compressed.includes('before')) await app.register(compress)
        await app.register(bridge)
        if (compressed.includes('after')) await app.register(compress)
        app.get('/takes/:seat', async (request, reply) => {
          const session = wxSession(request)
          if (session) session.data.seat = request.url
          await both()
          return answer(reply, streams)
        })
      })

      const headers = { ...alice, 'Accept-Encoding': 'gzip' }
      const answers = await Promise.all(
        ['/takes/a', '/takes/b'].map((path) => fetch(url + path, { headers })),
      )
      const texts = await Promise.all(answers.map((one) => one.text()))

      const lost = answers.findIndex(({ status }) => status === 409)
      t.is(JSON.parse(texts[lost] ?? '{}').reason, 'ERR_SESSION_CONFLICT')
      t.is(answers[lost]?.headers.get('ETag'), null)
      t.is(texts[1 - lost], text)
      t.regex(answers[lost]?.headers.get('Content-Type') ?? '', /^application\/json/)
      await until(() => streams.counts.closed === streams.counts.made)
    })
  }
}

test('fastifyBridge(), Fastify 5: nothing is saved when a Response says 500', async (t) => {
  const { get, alice, dataOf } = await start(t, async (app, bridge) => {
    await app.register(bridge)
    app.get('/fails', async (request) => {
      const session = wxSession(request)
      if (session) session.data.cart = ['tea']
      return new Response('failed', { status: 500 })
    })
  })

  t.is((await get('/fails', alice)).status, 500)
  t.deepEqual(await dataOf(), {})
})

const RAW: Record<string, Handler> = {
  'hijack()': (_, reply) => void reply.hijack().raw.end('raw'),
  'no hijack()': (_, reply) => void reply.raw.end('raw'),
  'hijack(), later': (_, reply) => {
    reply.hijack()
    setTimeout(() => reply.raw.end('raw'), 10)
  },
}

for (const [name, answer] of Object.entries(RAW)) {
  test(`fastifyBridge(), Fastify 5: what is written to reply.raw, with ${name}, is saved, over HTTP and by inject()`, async (t) => {
    const { app, get, alice, dataOf } = await start(t, async (app, bridge) => {
      await app.register(bridge)
      app.get('/raw/:key', (request, reply) => {
        const session = wxSession(request)
        if (session) session.data[request.url] = true
        return answer(request, reply)
      })
    })

    const overHttp = await get('/raw/http', alice)
    const injected = await app.inject({ url: '/raw/injected', headers: alice })

    t.is(await overHttp.text(), 'raw')
    t.is(injected.body, 'raw')
    await until(async () => Object.keys(await dataOf()).length === 2)
  })
}

test('fastifyBridge(), Fastify 5: by inject(), data is saved before the answer, and a conflict is a 409', async (t) => {
  const both = createMeeting()
  const { app, alice } = await start(t, async (app, bridge) => {
    await app.register(bridge)
    app.get('/puts', async (request) => {
      const session = wxSession(request)
      if (session) session.data.cart = ['tea']
      return {}
    })
    app.get('/takes/:seat', async (request) => {
      const session = wxSession(request)
      if (session) session.data.seat = request.url
      await both()
      return {}
    })
  })

  await app.inject({ url: '/puts', headers: alice })
  const { data } = (await app.inject({ url: '/me', headers: alice })).json()
  const answers = await Promise.all(
    ['/takes/a', '/takes/b'].map((url) => app.inject({ url, headers: alice })),
  )

  t.deepEqual(data, { cart: ['tea'] })
  t.deepEqual(answers.map(({ statusCode }) => statusCode).sort(), [200, 409])
})

test('fastifyBridge(), Fastify 5: what a handler puts after its client has left is saved, and nothing of one that fails', async (t) => {
  let arrived = 0
  const { dataOf, leave, told } = await start(t, async (app, bridge) => {
    await app.register(bridge)
    app.get('/slow/:ending', async (request, reply) => {
      const session = wxSession(request)
      if (session) session.data[`${request.url} before`] = true
      arrived += 1
      await once(reply.raw, 'close')
      if (session) session.data[`${request.url} after`] = true
      if (request.url.endsWith('fails')) throw new Error('planted')
      return 'for nobody'
    })
  })

  await leave('/slow/fails', () => arrived === 1)
  await leave('/slow/ends', () => arrived === 2)

  await until(async () => Object.keys(await dataOf()).length > 0)
  t.deepEqual(await dataOf(), { '/slow/ends before': true, '/slow/ends after': true })
  t.deepEqual(told, [])
})

test('fastifyBridge(), @fastify/multipart: an upload in parts, beside a login', async (t) => {
  const { url, wechat } = await start(t, async (app, bridge) => {
    await app.register(bridge)
    const { default: multipart } = await load<{ default: unknown }>('@fastify/multipart')
    await app.register(multipart)
    app.post('/upload', async (request) => {
      const sizes: number[] = []
      for await (const part of request.parts()) sizes.push((await part.toBuffer()).length)
      return { openId: wxUser(request)?.openId, sizes }
    })
  })
  const form = new FormData()
  for (const size of [10, 300_000]) form.append('file', new Blob(['x'.repeat(size)]), `${size}.txt`)

  const headers = await codeLoginHeaders(wechat.phone('bob'))
  const answer = await fetch(`${url}/upload`, { method: 'POST', headers, body: form })

  t.is(answer.headers.get('X-WX-Login'), 'accepted')
  t.deepEqual(await answer.json(), { openId: wechat.user('bob').openId, sizes: [10, 300_000] })
})

async function startSockets(t: ExecutionContext, handler: SocketHandler) {
  const scene = await start(t, async (app, bridge) => {
    const { default: websocket } = await load<{ default: unknown }>('@fastify/websocket')
    await app.register(websocket)
    await app.register(bridge)
    app.get('/feed', { websocket: true, preHandler: bridge.requireUser }, handler)
    app.get('/open', { websocket: true }, handler)
  })
  const { WebSocket } = await load<{ WebSocket: WebSocketClass }>('ws')
  const open = (path: string, headers: Record<string, string>) => {
    const socket = new WebSocket(scene.url.replace('http', 'ws') + path, { headers })
    t.teardown(() => socket.on('error', () => {}).terminate())
    return socket
  }
  return { ...scene, open }
}

type WebSocketClass = new (
  url: string,
  options: object,
) => NodeJS.EventEmitter & { send(text: string): void; terminate(): void }

test('fastifyBridge(), @fastify/websocket: a handshake has its user, and update() saves what messages change', async (t) => {
  const { alice, dataOf, open, wechat } = await startSockets(t, (socket, request) => {
    socket.on('message', async (said) => {
      await wxSession(request)?.update((data) => {
        data.said = String(said)
      })
      socket.send(`hello ${wxUser(request)?.openId}`)
    })
  })

  const socket = open('/feed', alice)
  await once(socket, 'open')
  socket.send('tea')
  const [hello] = await once(socket, 'message')

  t.is(String(hello), `hello ${wechat.user('alice').openId}`)
  t.deepEqual(await dataOf(), { said: 'tea' })
})

test('fastifyBridge(), @fastify/websocket: nobody is refused, and a login too, whose code is not spent', async (t) => {
  const { get, open, wechat } = await startSockets(t, () => {})
  const bob = await codeLoginHeaders(wechat.phone('bob'))

  for (const [path, headers] of [
    ['/feed', {}],
    ['/open', { 'X-WX-Session': 'of nobody' }],
    ['/open', bob],
  ] as [string, Record<string, string>][]) {
    const [, response] = await once(open(path, headers), 'unexpected-response')
    t.is(response.statusCode, 401)
    t.is(typeof response.headers['x-wx-session-error'], 'string')
  }
  t.is((await get('/me', bob)).headers.get('X-WX-Login'), 'accepted')
})

test('fastifyBridge(), @fastify/websocket: rotate() is refused, and the credential stays good', async (t) => {
  const { alice, get, open } = await startSockets(t, async (socket, request) => {
    const refused = await wxSession(request)
      ?.rotate()
      .catch(({ reason }) => reason)
    socket.send(String(refused))
  })

  const [reason] = await once(open('/feed', alice), 'message')

  t.is(String(reason), 'ERR_SESSION_CONFLICT')
  t.is((await get('/me', alice)).status, 200)
})
