/** HTTP/2, as Node serves it to programs that were written for HTTP/1: `createServer(app.callback())` of `node:http2`. */
import { once } from 'node:events'
import {
  connect,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import Koa, { type Context } from 'koa'
import { nodeBridge, wxSession, wxUser } from '../src/bridge/index.js'
import {
  memoryStore,
  type WeappSession,
  type WxSession,
  type WxUserInfo,
  weappSession,
} from '../src/index.js'
import { until } from './support/until.js'
import { CARRIERS } from './support/visitor.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

type Listener = Parameters<typeof createServer>[1]

interface Answer {
  headers: IncomingHttpHeaders & { ':status'?: number }
  text: string
}

/** Both put the path into the data when it is `/a` or `/b`, once two requests are there. */
const SERVERS: Record<string, (session: WeappSession) => Listener> = {
  'app.callback()': (session) => {
    const app = new Koa()
    app.silent = true
    app.use(session)
    const both = meeting()
    app.use(async (ctx: Context) => {
      const { data } = ctx.$wxSession ?? { data: {} }
      await both(ctx.path, data)
      ctx.body = bodyOf(ctx.$wxUserInfo, data)
    })
    return app.callback()
  },
  'nodeBridge()': (session) => {
    const bridge = nodeBridge(session)
    const both = meeting()
    return (request, response) => {
      bridge(request, response, async () => {
        const { data } = wxSession(request) ?? { data: {} }
        await both(pathOf(request), data)
        response.setHeader('Content-Type', 'application/json')
        response.end(JSON.stringify(bodyOf(wxUser(request), data)))
      })
    }
  },
}

function meeting(): (path: string, data: WxSession['data']) => Promise<void> {
  let waiting = 0
  return async (path, data) => {
    if (path === '/') return
    data.seat = path
    waiting += 1
    await until(() => waiting === 2)
  }
}

function pathOf({ url }: Http2ServerRequest): string {
  return url ?? '/'
}

function bodyOf(user: WxUserInfo | null, data: WxSession['data']): object {
  return { openId: user?.openId ?? null, data }
}

async function start(t: ExecutionContext, make: (session: WeappSession) => Listener) {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const carrier = CARRIERS.cookie()
  const session = weappSession({ appId, appSecret, wechat: { fetch }, carrier, store: memoryStore() })
  const server = createServer(make(session))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  const send = async (headers: Record<string, string>, path = '/'): Promise<Answer> => {
    const stream = client.request({ ':path': path, ...headers })
    const [[answered], body] = await Promise.all([once(stream, 'response'), text(stream)])
    return { headers: answered, text: body }
  }
  return { wechat, send }
}

for (const [name, make] of Object.entries(SERVERS)) {
  test(`HTTP/2, ${name}: a login is accepted, its cookie is good, and a dead one is refused`, async (t) => {
    const { wechat, send } = await start(t, make)

    const login = await send(await codeLoginHeaders(wechat.phone('alice')))
    const [cookie = ''] = login.headers['set-cookie']?.[0]?.split(';') ?? []
    const later = await send({ cookie })
    const dead = await send({ cookie: `${cookie}x` })

    t.is(login.headers['x-wx-login'], 'accepted')
    t.is(login.headers['cache-control'], 'no-store')
    t.is(JSON.parse(later.text).openId, wechat.user('alice').openId)
    t.is(dead.headers[':status'], 401)
    t.is(JSON.parse(dead.text).reason, 'ERR_SESSION_EXPIRED')
  })

  test(`HTTP/2, ${name}: of two streams of a connection that take the same, one is ERR_SESSION_CONFLICT`, async (t) => {
    const { wechat, send } = await start(t, make)
    const login = await send(await codeLoginHeaders(wechat.phone('alice')))
    const [cookie = ''] = login.headers['set-cookie']?.[0]?.split(';') ?? []

    const answers = await Promise.all(['/a', '/b'].map((path) => send({ cookie }, path)))

    t.deepEqual(answers.map(({ headers }) => headers[':status']).sort(), [200, 409])
    const lost = answers.find(({ headers }) => headers[':status'] === 409)
    t.is(JSON.parse(lost?.text ?? '{}').reason, 'ERR_SESSION_CONFLICT')
  })
}

const WAYS: Record<
  string,
  { write: (response: Http2ServerResponse) => unknown; status?: number; text?: string }
> = {
  'end()': { write: (response) => response.end(), text: '' },
  'a 204': {
    write(response) {
      response.statusCode = 204
      response.end()
    },
    status: 204,
    text: '',
  },
  'writeHead()': { write: (response) => response.writeHead(201, { 'x-own': '1' }).end('done'), status: 201 },
  'a stream': { write: (response) => Readable.from(['do', 'ne']).pipe(response) },
  'a trailer': {
    write(response) {
      response.write('done')
      response.addTrailers({ 'x-sum': '1' })
      response.end()
    },
  },
  'early hints': {
    write(response) {
      response.writeEarlyHints({ link: '</a.css>; rel=preload' })
      response.end('done')
    },
  },
}

for (const [way, { write, status = 200, text = 'done' }] of Object.entries(WAYS)) {
  test(`HTTP/2, nodeBridge(): ${way} goes out with what a login brings, or a conflict in its place`, async (t) => {
    const { wechat, send } = await start(t, (session) => {
      const bridge = nodeBridge(session)
      const both = meeting()
      return (request, response) =>
        bridge(request, response, async () => {
          await both(pathOf(request), wxSession(request)?.data ?? {})
          write(response)
        })
    })

    const login = await send(await codeLoginHeaders(wechat.phone('alice')))
    const [cookie = ''] = login.headers['set-cookie']?.[0]?.split(';') ?? []
    const answers = await Promise.all(['/a', '/b'].map((path) => send({ cookie }, path)))

    t.is(login.headers[':status'], status)
    t.is(login.headers['x-wx-login'], 'accepted')
    t.is(login.text, text)
    t.deepEqual(answers.map(({ headers }) => headers[':status']).sort(), [status, 409])
    const lost = answers.find(({ headers }) => headers[':status'] === 409)
    t.is(JSON.parse(lost?.text ?? '{}').reason, 'ERR_SESSION_CONFLICT')
  })
}

test('HTTP/2, nodeBridge(): a refusal is not put behind an answer that something before it has begun', async (t) => {
  const told: string[] = []
  const { send } = await start(t, (session) => {
    const bridge = nodeBridge(session, { onError: ({ message }) => told.push(message) })
    return (request, response) => {
      response.write('begun ')
      bridge(request, response, () => response.end('never'))
    }
  })

  const answer = await send({ cookie: '__Host-wx-session=of-nobody; wx-session=of-nobody' }).catch(
    (error: Error) => error,
  )

  t.true(answer instanceof Error)
  t.regex(told[0] ?? '', /has begun to answer/)
})
