/** Express 5 with what answers in its own way: compression, uploads, files, and handlers that fail in the middle. */
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline as pipelineOf } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import supertest from 'supertest'
import { type NextFunction, type NodeBridge, nodeBridge, wxSession, wxUser } from '../../src/bridge/index.js'
import { redisStore, weappSession } from '../../src/index.js'
import { useRedis } from '../support/redis.js'
import { listenTo } from '../support/server.js'
import { until } from '../support/until.js'
import { CARRIERS } from '../support/visitor.js'
import { codeLoginHeaders, startWechat } from '../support/wechat.js'
import { createMeeting } from './support/meeting.js'
import { usePackages } from './support/packages.js'

const redis = useRedis(test)
const load = usePackages(test, 'express-5-neighbours')
const FILE = fileURLToPath(new URL('../../CHANGELOG.md', import.meta.url))

/** As much of Express as is used here. */
interface Express extends RequestListener {
  (request: IncomingMessage, response: ServerResponse): void
  use(...middleware: (Middleware | ErrorHandler)[]): void
  get(path: string, ...handlers: Middleware[]): void
  post(path: string, ...handlers: Middleware[]): void
}

interface Request extends IncomingMessage {
  files?: { size: number }[]
}

interface Response extends ServerResponse {
  json(body: unknown): void
  send(body: unknown): void
  sendFile(path: string): void
  status(status: number): Response
}

type Middleware = (request: Request, response: Response, next: NextFunction) => unknown
type ErrorHandler = (error: unknown, request: Request, response: Response, next: NextFunction) => unknown

interface Scene {
  app: Express
  bridge: NodeBridge
  /** What handlers have thrown. */
  errors: unknown[]
}

async function start(t: ExecutionContext, arrange: (scene: Scene) => Promise<void> | void) {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({
    appId,
    appSecret,
    wechat: { fetch },
    carrier: CARRIERS.header(),
    store: redisStore(redis().options),
  })
  t.teardown(() => session.close())
  const told: string[] = []
  const bridge = nodeBridge(session, { onError: ({ message }) => told.push(message) })
  const { default: express } = await load<{ default: () => Express }>('express')
  const app = express()
  const errors: unknown[] = []
  await arrange({ app, bridge, errors })
  app.get('/me', (request, response) =>
    response.json({ user: wxUser(request), data: wxSession(request)?.data }),
  )
  app.use(bridge.onError)
  app.use((error: unknown, _request: Request, _response: Response, next: NextFunction) => {
    errors.push(error)
    // To Express's own, without its stack on the console.
    next(Object.assign(error as object, { stack: '' }))
  })
  const server = createServer(app)
  const url = await listenTo(t, server)
  const get = (path: string, headers: Record<string, string> = {}) =>
    globalThis.fetch(url + path, { headers })
  const login = await get('/me', await codeLoginHeaders(wechat.phone('alice')))
  await login.arrayBuffer()
  const alice = { 'X-WX-Session': login.headers.get('X-WX-Session') ?? '' }
  const dataOf = async () => JSON.parse(await (await get('/me', alice)).text()).data
  return { url, wechat, get, alice, dataOf, errors, told }
}

/** Of two requests that take the same, answers what is sent, and what is in its place. */
async function conflict(t: ExecutionContext, answer: Middleware, before: Middleware[] = [], after = before) {
  const both = createMeeting()
  const { url, alice } = await start(t, ({ app, bridge }) => {
    app.use(...before, bridge)
    app.get('/takes/:seat', ...(after === before ? [] : after), async (request, response, next) => {
      const session = wxSession(request)
      if (session) session.data.seat = request.url
      await both()
      response.setHeader('Content-Type', 'text/plain; charset=utf-8')
      return answer(request, response, next)
    })
  })
  const headers = { ...alice, 'Accept-Encoding': 'gzip' }
  const answers = await Promise.all(['/takes/a', '/takes/b'].map((path) => fetch(url + path, { headers })))
  const texts = await Promise.all(answers.map((one) => one.text()))
  const won = answers.findIndex(({ status }) => status !== 409)
  t.deepEqual(answers.map(({ status }) => status === 409).sort(), [false, true])
  t.is(JSON.parse(texts[1 - won] ?? '').reason, 'ERR_SESSION_CONFLICT')
  for (const name of ['Content-Encoding', 'ETag', 'Trailer', 'Transfer-Encoding'])
    t.is(answers[1 - won]?.headers.get(name), null, name)
  return { answer: answers[won] as globalThis.Response, text: texts[won] ?? '' }
}

/** Without a callback of write(), which compression forgets. */
async function onceDrained(response: Response): Promise<void> {
  await once(response, 'drain')
}

const LONG = 'tea '.repeat(50_000)

const ANSWERS: Record<string, { answer: Middleware; text: string }> = {
  'json()': { answer: (_, response) => response.json(LONG), text: JSON.stringify(LONG) },
  'send()': { answer: (_, response) => response.send(LONG), text: LONG },
  'write() and end()': {
    answer(_, response) {
      response.write(LONG)
      response.end(LONG)
    },
    text: LONG + LONG,
  },
  'a stream': {
    answer: (_, response) => void Readable.from([LONG, LONG]).pipe(response),
    text: LONG + LONG,
  },
  'a stream of the web': {
    answer: (_, response) =>
      new Blob([LONG]).stream().pipeTo(
        new WritableStream({
          write: (chunk) => (response.write(chunk) ? undefined : onceDrained(response)),
          close: () => void response.end(),
        }),
      ),
    text: LONG,
  },
  'a trailer': {
    answer(_, response) {
      response.setHeader('Trailer', 'X-Sum')
      response.write(LONG)
      response.addTrailers({ 'X-Sum': '1' })
      response.end()
    },
    text: LONG,
  },
  'chunks by hand': {
    answer: (_, response) => void response.setHeader('Transfer-Encoding', 'chunked').end(LONG),
    text: LONG,
  },
  'early hints': {
    answer(_, response) {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.send(LONG)
    },
    text: LONG,
  },
}

for (const [name, { answer, text }] of Object.entries(ANSWERS)) {
  test(`nodeBridge(), Express 5: ${name}, or a conflict in its place`, async (t) => {
    t.is((await conflict(t, answer)).text, text)
  })

  test(`nodeBridge(), Express 5, compression before it: ${name}, or a conflict in its place`, async (t) => {
    const { default: compression } = await load<{ default: () => Middleware }>('compression')

    const won = await conflict(t, answer, [compression()])

    t.is(won.text, text)
    t.is(won.answer.headers.get('Content-Encoding'), 'gzip')
  })

  test(`nodeBridge(), Express 5, compression after it: ${name}, or a conflict in its place`, async (t) => {
    const { default: compression } = await load<{ default: () => Middleware }>('compression')

    const won = await conflict(t, answer, [], [compression()])

    t.is(won.text, text)
    t.is(won.answer.headers.get('Content-Encoding'), 'gzip')
  })
}

test('nodeBridge(), Express 5: a file, whole, in part, not modified, and for HEAD', async (t) => {
  const { get, url, alice, dataOf } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/file', (request, response) => {
      const session = wxSession(request)
      if (session) session.data[String(request.headers['x-key'])] = true
      response.sendFile(FILE)
    })
  })
  const { size } = await stat(FILE)

  const whole = await get('/file', { ...alice, 'X-Key': 'whole' })
  const etag = whole.headers.get('ETag') ?? ''
  const part = await get('/file', { ...alice, 'X-Key': 'part', Range: 'bytes=0-9' })
  // fetch() asks for no 304.
  const same = await supertest(url)
    .get('/file')
    .set({ ...alice, 'X-Key': 'same', 'If-None-Match': etag })
  const head = await fetch(`${url}/file`, { method: 'HEAD', headers: { ...alice, 'X-Key': 'head' } })

  t.is((await whole.arrayBuffer()).byteLength, size)
  t.deepEqual([part.status, await part.text()], [206, '# Changelog'.slice(0, 10)])
  t.is(same.status, 304)
  t.is(head.headers.get('Content-Length'), String(size))
  t.deepEqual(await dataOf(), { whole: true, part: true, same: true, head: true })
})

test('nodeBridge(), Express 5: an upload in parts reaches multer, beside a login', async (t) => {
  const { default: multer } = await load<{ default: () => { any(): Middleware } }>('multer')
  const { url, wechat } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.post('/upload', multer().any(), (request, response) =>
      response.json({ user: wxUser(request), sizes: request.files?.map(({ size }) => size) }),
    )
  })
  const form = new FormData()
  for (const size of [10, 300_000]) form.append('file', new Blob(['x'.repeat(size)]), `${size}.txt`)

  const headers = await codeLoginHeaders(wechat.phone('bob'))
  const answer = await fetch(`${url}/upload`, { method: 'POST', headers, body: form })

  t.is(answer.headers.get('X-WX-Login'), 'accepted')
  t.deepEqual(await answer.json(), {
    user: { appId: wechat.appId, openId: wechat.user('bob').openId },
    sizes: [10, 300_000],
  })
})

test('onError, Express 5: half an answer is cut, and nothing is saved', async (t) => {
  const { get, alice, dataOf, errors } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/half', (request, response) => {
      const session = wxSession(request)
      if (session) session.data.cart = ['tea']
      response.write('one ')
      throw new Error('planted')
    })
  })

  const answer = await get('/half', alice)

  await t.throwsAsync(answer.text())
  t.regex(String(errors[0]), /planted/)
  t.deepEqual(await dataOf(), {})
})

test('onError, Express 5: an answer that is whole stays as it is', async (t) => {
  const { get, alice, errors } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/whole', (_, response) => {
      response.send('whole')
      throw new Error('planted')
    })
  })

  const answer = await get('/whole', alice)

  t.deepEqual([answer.status, await answer.text()], [200, 'whole'])
  t.regex(String(errors[0]), /planted/)
})

test('nodeBridge(), Express 5: a stream that fails, and one that is aborted, cut the answer', async (t) => {
  const { get, alice } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/fails', (_, response) => {
      const source = new Readable({ read() {} })
      pipeline(source, response, () => {})
      source.push('one ')
      setImmediate(() => source.destroy(new Error('planted')))
    })
    app.get('/aborts', (_, response) => {
      const controller = new AbortController()
      const { signal } = controller
      async function* endless() {
        for (;;) yield await sleep(1, 'tea')
      }
      pipelineOf(endless, response, { signal }).catch(() => {})
      setTimeout(() => controller.abort(), 20)
    })
  })

  for (const path of ['/fails', '/aborts'])
    await t.throwsAsync(
      get(path, alice).then((answer) => answer.text()),
      undefined,
      path,
    )
})

test('nodeBridge(), Express 5: requests that are one behind the other on a connection are answered in turn', async (t) => {
  const { url, alice } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/puts/:key', (request, response) => {
      const session = wxSession(request)
      if (session) session.data[request.url ?? ''] = true
      response.json(request.url)
    })
  })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const paths = Array.from({ length: 10 }, (_, n) => `/puts/${n}`)

  for (const path of paths) {
    const close = path === paths.at(-1) ? 'Connection: close\r\n' : ''
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${close}X-WX-Session: ${alice['X-WX-Session']}\r\n\r\n`)
  }
  const answers = await text(socket)

  t.deepEqual(
    [...answers.matchAll(/"(\/puts\/\d)"/g)].map(([, path]) => path),
    paths,
  )
  t.is(answers.match(/HTTP\/1.1 200 OK/g)?.length, paths.length)
})

test('nodeBridge(), Express 5: fifty requests at once, compressed, and half of their clients leave', async (t) => {
  const { default: compression } = await load<{ default: () => Middleware }>('compression')
  const begun = new Set<string>()
  let stay = () => {}
  const left = new Promise<void>((resolve) => {
    stay = resolve
  })
  const { get, url, alice, dataOf } = await start(t, ({ app, bridge }) => {
    app.use(compression(), bridge)
    app.get('/puts/:key', async (request, response) => {
      const session = wxSession(request)
      if (session) session.data[request.url ?? ''] = true
      begun.add(request.url ?? '')
      await left
      Readable.from([LONG, LONG]).pipe(response)
    })
  })
  const stays = Array.from({ length: 25 }, (_, n) => `/puts/${n}`)
  const leaves = Array.from({ length: 25 }, (_, n) => `/puts/${n + 25}`)
  const leaving = new AbortController()

  const gone = leaves.map((path) =>
    fetch(url + path, { headers: alice, signal: leaving.signal }).then(
      (answer) => answer.text(),
      () => 'gone',
    ),
  )
  const stayed = stays.map(async (path) => (await get(path, alice)).text())
  await until(() => begun.size === 50)
  leaving.abort()
  t.deepEqual(new Set(await Promise.all(gone)), new Set(['gone']))
  stay()

  t.true((await Promise.all(stayed)).every((one) => one === LONG + LONG))
  await until(async () => Object.keys(await dataOf()).length === 50)
})

test('nodeBridge(), Express 5: an upload that breaks off breaks nothing', async (t) => {
  let broken = 0
  const { url, alice, get } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.post('/upload', (request, response) => {
      request.on('error', () => {
        broken += 1
      })
      request.pipe(response)
    })
  })
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)

  socket.write(
    `POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nX-WX-Session: ${alice['X-WX-Session']}\r\n\r\nhalf`,
  )
  await once(socket, 'data')
  socket.destroy()
  await until(() => broken === 1)

  t.is((await get('/me', alice)).status, 200)
})

test('nodeBridge(), Express 5: a refusal where something before it has begun to answer cuts the answer, and is told to onError', async (t) => {
  const { get, url, told } = await start(t, ({ app, bridge }) => {
    app.use((request: Request, response: Response, next: NextFunction) => {
      if (request.url?.startsWith('/begun')) response.write('begun ')
      next()
    }, bridge)
    app.get('/begun/members', bridge.requireUser, (_, response) => response.end('never'))
  })

  const dead = await get('/begun', { 'X-WX-Session': 'of nobody' })
  await t.throwsAsync(dead.text())
  const guest = await fetch(`${url}/begun/members`)
  await t.throwsAsync(guest.text())

  t.is(told.length, 2)
  t.regex(told[0] ?? '', /before the bridge has begun to answer/)
})

test('nodeBridge(), Express 5: what handlers write is kept byte by byte, also compressed by themselves', async (t) => {
  const { gzipSync } = await import('node:zlib')
  const zipped = gzipSync(LONG)
  const { url, alice } = await start(t, ({ app, bridge }) => {
    app.use(bridge)
    app.get('/zipped', (_, response) => {
      response.setHeader('Content-Encoding', 'gzip')
      for (let at = 0; at < zipped.length; at += 100) response.write(zipped.subarray(at, at + 100))
      response.end()
    })
  })

  const answer = await fetch(`${url}/zipped`, { headers: alice })

  t.is(await answer.text(), LONG)
  t.is(gunzipSync(zipped).length, LONG.length)
})
