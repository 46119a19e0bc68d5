/** Hono 4 with answers of each kind, and with what changes them. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { type HonoContextLike, honoBridge, wxSession, wxUser } from '../../src/bridge/index.js'
import { memoryStore, weappSession } from '../../src/index.js'
import { listenTo } from '../support/server.js'
import { until } from '../support/until.js'
import { CARRIERS } from '../support/visitor.js'
import { codeLoginHeaders, startWechat } from '../support/wechat.js'
import { createMeeting } from './support/meeting.js'
import { usePackages } from './support/packages.js'

const load = usePackages(test, 'hono-4-servers')

type Middleware = (c: Context, next: () => Promise<void>) => unknown

/** As much of Hono as is used here. */
interface Hono {
  fetch: unknown
  use(...middleware: Middleware[]): void
  all(path: string, handler: Middleware): void
}

interface Context extends HonoContextLike {
  readonly req: { readonly path: string; readonly raw: Request; parseBody(options: object): Promise<object> }
  json(body: unknown): Response
  body(body: string | null, status: number, headers?: Record<string, string>): Response
}

interface Streaming {
  stream(c: Context, write: (stream: Stream) => Promise<void>): Response
  streamSSE(c: Context, write: (stream: Stream) => Promise<void>): Response
}

interface Stream {
  write(text: string): Promise<unknown>
  writeSSE(event: { data: string }): Promise<void>
  sleep(ms: number): Promise<unknown>
  onAbort(listener: () => void): void
  readonly aborted: boolean
}

async function start(t: ExecutionContext, arrange: (app: Hono, bridge: Middleware) => Promise<void> | void) {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({
    appId,
    appSecret,
    wechat: { fetch },
    carrier: CARRIERS.header(),
    store: memoryStore(),
  })
  const { Hono } = await load<{ Hono: new () => Hono }>('hono')
  const { getRequestListener } = await load<{
    getRequestListener(fetch: unknown, options: object): RequestListener
  }>('@hono/node-server')
  const app = new Hono()
  await arrange(app, honoBridge(session))
  app.all('/me', (c) => c.json({ user: wxUser(c), data: wxSession(c)?.data }))
  // The fetch of the tests goes on to be Node's.
  const url = await listenTo(t, createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false })))
  const get = (path: string, headers: Record<string, string> = {}) =>
    globalThis.fetch(url + path, { headers })
  const login = await get('/me', await codeLoginHeaders(wechat.phone('alice')))
  await login.arrayBuffer()
  const alice = { 'X-WX-Session': login.headers.get('X-WX-Session') ?? '' }
  const dataOf = async () => JSON.parse(await (await get('/me', alice)).text()).data
  return { url, wechat, get, alice, dataOf }
}

const LONG = 'tea '.repeat(50_000)

interface Answer {
  answer: (c: Context) => Promise<Response> | Response
  text: string
  /** Hono's etag() throws for headers that cannot be changed. */
  isFrozen?: boolean
}

const ANSWERS: Record<string, Answer> = {
  'json()': { answer: (c) => c.json(LONG), text: JSON.stringify(LONG) },
  'a Response': {
    answer: () => new Response(LONG, { headers: { ETag: '"1"', 'Content-Length': `${LONG.length}` } }),
    text: LONG,
  },
  'the Response of a fetch': {
    answer: () => fetch(`data:text/plain,${LONG}.`),
    text: `${LONG}.`,
    isFrozen: true,
  },
  'stream()': {
    async answer(c) {
      const { stream } = await load<Streaming>('hono/streaming')
      return stream(c, async (out) => {
        await out.write(LONG)
        await out.sleep(5)
        await out.write(LONG)
      })
    },
    text: LONG + LONG,
  },
  'streamSSE()': {
    async answer(c) {
      const { streamSSE } = await load<Streaming>('hono/streaming')
      return streamSSE(c, (out) => out.writeSSE({ data: 'tea' }))
    },
    text: 'data: tea\n\n',
  },
}

for (const order of ['', ', compress() and etag() before it', ', compress() and etag() after it']) {
  for (const [name, { answer, text, isFrozen }] of Object.entries(ANSWERS)) {
    if (isFrozen && order !== '') continue
    test(`honoBridge(), Hono 4${order}: ${name}, or a conflict in its place`, async (t) => {
      const both = createMeeting()
      const { get, alice } = await start(t, async (app, bridge) => {
        const { compress } = await load<{ compress(): Middleware }>('hono/compress')
        const { etag } = await load<{ etag(): Middleware }>('hono/etag')
        const others = order === '' ? [] : [compress(), etag()]
        if (order.includes('before')) app.use(...others)
        app.use(bridge)
        if (order.includes('after')) app.use(...others)
        app.all('/takes/:seat', async (c) => {
          const session = wxSession(c)
          if (session) session.data.seat = c.req.path
          await both()
          return answer(c)
        })
      })

      const headers = { ...alice, 'Accept-Encoding': 'gzip' }
      const answers = await Promise.all(['/takes/a', '/takes/b'].map((path) => get(path, headers)))
      const texts = await Promise.all(answers.map((one) => one.text()))

      const lost = answers.findIndex(({ status }) => status === 409)
      t.is(JSON.parse(texts[lost] ?? '{}').reason, 'ERR_SESSION_CONFLICT')
      t.regex(answers[lost]?.headers.get('Content-Type') ?? '', /^application\/json/)
      t.is(texts[1 - lost], text)
    })
  }
}

test('honoBridge(), Hono 4: a login that is answered with 204, 304, and to HEAD, says that it is accepted', async (t) => {
  const { url, wechat, get } = await start(t, (app, bridge) => {
    app.use(bridge)
    app.all('/nothing', (c) => c.body(null, 204))
    app.all('/same', (c) => c.body(null, 304, { ETag: '"1"' }))
  })

  for (const [path, method, status] of [
    ['/nothing', 'GET', 204],
    ['/same', 'GET', 304],
    ['/me', 'HEAD', 200],
  ] as const) {
    const headers = await codeLoginHeaders(wechat.phone(`for ${path} ${method}`))
    const answer = await fetch(url + path, { method, headers })
    const own = { 'X-WX-Session': answer.headers.get('X-WX-Session') ?? '' }
    t.is(answer.status, status)
    t.is(answer.headers.get('X-WX-Login'), 'accepted')
    t.is((await get('/me', own)).status, 200)
  }
})

test('honoBridge(), Hono 4: an upload in parts, beside a login', async (t) => {
  const { url, wechat } = await start(t, (app, bridge) => {
    app.use(bridge)
    app.all('/upload', async (c) => {
      const { file } = (await c.req.parseBody({ all: true })) as { file: File[] }
      return c.json({ openId: wxUser(c)?.openId, sizes: file.map(({ size }) => size) })
    })
  })
  const form = new FormData()
  for (const size of [10, 300_000]) form.append('file', new Blob(['x'.repeat(size)]), `${size}.txt`)

  const headers = await codeLoginHeaders(wechat.phone('bob'))
  const answer = await fetch(`${url}/upload`, { method: 'POST', headers, body: form })

  t.is(answer.headers.get('X-WX-Login'), 'accepted')
  t.deepEqual(await answer.json(), { openId: wechat.user('bob').openId, sizes: [10, 300_000] })
})

test('honoBridge(), Hono 4: what a handler puts after its client has left is saved, and its signal is aborted', async (t) => {
  let arrived = false
  let wasAborted = false
  const { url, alice, dataOf } = await start(t, (app, bridge) => {
    app.use(bridge)
    app.all('/slow', async (c) => {
      const session = wxSession(c)
      const { signal } = c.req.raw
      arrived = true
      if (!signal.aborted) await once(signal, 'abort')
      wasAborted = true
      if (session) session.data.cart = ['tea']
      return c.json({})
    })
  })
  const { hostname, port } = new URL(url)

  const socket = connect(Number(port), hostname)
  socket.write(`GET /slow HTTP/1.1\r\nHost: x\r\nX-WX-Session: ${alice['X-WX-Session']}\r\n\r\n`)
  await until(() => arrived)
  socket.destroy()
  await until(() => wasAborted)

  await until(async () => Object.keys(await dataOf()).length > 0)
  t.deepEqual(await dataOf(), { cart: ['tea'] })
})
