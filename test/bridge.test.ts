/** `koa-weapp-session/bridge` over plain `http`. Frameworks with packages of their own are in test/frameworks. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { PassThrough, pipeline, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import supertest, { type Response } from 'supertest'
import {
  type BridgeOptions,
  fastifyBridge,
  handlerFailed,
  honoBridge,
  type NodeBridge,
  nodeBridge,
  wxSession,
  wxUser,
} from '../src/bridge/index.js'
import { memoryStore, redisStore, type SessionStore, weappSession } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { isRefused, listenTo, type TestServerOptions } from './support/server.js'
import { traceResponses } from './support/trace.js'
import { until } from './support/until.js'
import { CARRIERS, type CarrierName, kept } from './support/visitor.js'
import { codeLoginHeaders, codeOnly, newCode, startWechat } from './support/wechat.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

interface BridgeServerOptions extends Omit<TestServerOptions, 'handler'> {
  handler?: Handler
  bridge?: BridgeOptions
  /** Goes before the bridge. */
  before?: Handler
}

const redis = useRedis(test)

/** A server without Koa and without a framework: its error handler answers 500 with the message. */
async function start(t: ExecutionContext, options: BridgeServerOptions = {}) {
  const { handler = answer, before, bridge: bridgeOptions, weixin, wechat: reached, ...rest } = options
  const wechat = weixin ?? startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const carrier = CARRIERS.header()
  const session = weappSession({ appId, appSecret, wechat: { fetch, ...reached }, carrier, ...rest })
  const bridge = nodeBridge(session, bridgeOptions)
  t.teardown(() => session.close())
  const errors: unknown[] = []
  const server = createServer((request, response) => {
    before?.(request, response)
    bridge(request, response, (error) => {
      if (error === undefined) return void run(bridge, handler, request, response)
      errors.push(error)
      answerError(response)
    })
  })
  traceResponses(server)
  const url = await listenTo(t, server)
  const send = async (headers: Record<string, string> = {}, path = '/') =>
    supertest(url).get(path).set(headers)
  return { url, wechat, session, errors, send }
}

type BridgeServer = Awaited<ReturnType<typeof start>>

/** As a framework does it: an error of the handler passes `onError`, and is answered. */
async function run(
  bridge: NodeBridge,
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await handler(request, response)
  } catch (error) {
    bridge.onError(error, request, response, () => answerError(response))
  }
}

function answerError(response: ServerResponse): void {
  response.statusCode = 500
  response.end('the error handler has answered')
}

const answer: Handler = (request, response) => {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify({ user: wxUser(request), data: wxSession(request)?.data }))
}

async function logIn(server: BridgeServer, name = 'alice'): Promise<Record<string, string>> {
  const response = await server.send(await codeLoginHeaders(server.wechat.phone(name)))
  return kept(response)
}

/** A store that takes its time to save, and knows whether it has. */
function slowStore(): SessionStore & { isSaved: boolean } {
  const store = memoryStore()
  const slow = {
    ...store,
    isSaved: false,
    async update(...args: Parameters<SessionStore['update']>) {
      await sleep(50)
      const result = await store.update(...args)
      slow.isSaved = true
      return result
    },
  }
  return slow
}

for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
  test(`nodeBridge(), ${carrier}: a login is accepted, and the next request has its user`, async (t) => {
    const server = await start(t, {
      carrier: CARRIERS[carrier](),
      store: redisStore(redis().options),
      handler: (request, response) => {
        response.setHeader('Content-Type', 'application/json')
        response.end(JSON.stringify({ user: wxUser(request) }))
      },
    })
    const headers = await codeLoginHeaders(server.wechat.phone('alice'))
    const { openId } = server.wechat.user('alice')

    const login = await server.send(headers)
    const later = await server.send({ ...codeOnly(headers), ...kept(login) })

    t.is(login.body.user.openId, openId)
    t.is(login.get('X-WX-Login'), 'accepted')
    t.is(login.get('Cache-Control'), 'no-store')
    t.is(login.get('Weapp-Login'), undefined)
    t.is(later.body.user.openId, openId)
  })
}

test('nodeBridge(): a request without a credential has no user, and no session', async (t) => {
  const server = await start(t, {
    handler: (request, response) => response.end(JSON.stringify([wxUser(request), wxSession(request)])),
  })

  t.is((await server.send()).text, '[null,null]')
})

const WAYS: Record<string, (response: ServerResponse) => unknown> = {
  'end()': (response) => response.end('done'),
  'writeHead() and end()': (response) => response.writeHead(200, { 'X-Own': '1' }).end('done'),
  'write() and end()': (response) => {
    response.write('do')
    response.end('ne')
  },
  'flushHeaders()': async (response) => {
    response.flushHeaders()
    await sleep(5)
    response.end('done')
  },
  'a stream': (response) => Readable.from(['d', 'o', 'n', 'e']).pipe(response),
  'write() that waits for drain': async (response) => {
    if (!response.write('do')) await once(response, 'drain')
    response.end('ne')
  },
}

for (const [way, write] of Object.entries(WAYS)) {
  test(`nodeBridge(): data is saved before the first byte of the answer goes out, by ${way}`, async (t) => {
    const store = slowStore()
    const server = await start(t, {
      store,
      handler: (request, response) => {
        const session = wxSession(request)
        if (request.url !== '/saves' || !session) return answer(request, response)
        session.data.cart = ['tea']
        return write(response)
      },
    })
    const alice = await logIn(server)

    const saving = await fetch(`${server.url}/saves`, { headers: alice })
    const wasSaved = store.isSaved

    t.true(wasSaved)
    t.is(saving.status, 200)
    t.is(await saving.text(), 'done')
    t.deepEqual((await server.send(alice)).body.data, { cart: ['tea'] })
  })

  test(`nodeBridge(): of requests that change one key differently, one is answered by ${way}, the other is ERR_SESSION_CONFLICT`, async (t) => {
    let waiting = 0
    const server = await start(t, {
      store: redisStore(redis().options),
      handler: async (request, response) => {
        const session = wxSession(request)
        if (request.url === '/' || !session) return answer(request, response)
        session.data.cart = [request.url]
        waiting += 1
        await until(() => waiting === 2)
        response.setHeader('ETag', '"of the cart"')
        return write(response)
      },
    })
    const alice = await logIn(server)

    const answers = await Promise.all(['/a', '/b'].map((path) => server.send(alice, path)))

    const [won, lost] = answers.sort((a, b) => a.status - b.status) as [Response, Response]
    t.is(won.status, 200)
    t.is(won.get('ETag'), '"of the cart"')
    isRefused(t, lost, 'ERR_SESSION_CONFLICT', 409)
    t.is(lost.get('ETag'), undefined)
    t.regex(lost.get('Content-Type') ?? '', /^application\/json/)
    t.is((await server.send(alice)).status, 200)
  })
}

test('nodeBridge(): refusals are those of Koa', async (t) => {
  const server = await start(t)

  const response = await server.send({ 'X-WX-Code': 'unknown', 'X-WX-Login': 'code' })

  isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
  t.regex(response.get('Content-Type') ?? '', /^application\/json/)
  const head = await supertest(server.url).head('/').set({ 'X-WX-Session': 'of nobody' })
  t.is(head.status, 401)
})

test('requireUser: who has no user is refused, and who has one goes on', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({ appId, appSecret, wechat: { fetch }, carrier: CARRIERS.header() })
  const bridge = nodeBridge(session)
  const server = createServer((request, response) => {
    bridge(request, response, () => bridge.requireUser(request, response, () => answer(request, response)))
  })
  const url = await listenTo(t, server)

  const refused = await supertest(url).get('/')
  const preflight = await supertest(url).options('/').set({ 'Access-Control-Request-Method': 'GET' })
  const login = await supertest(url)
    .get('/')
    .set(await codeLoginHeaders(wechat.phone('alice')))

  isRefused(t, refused, 'ERR_LOGIN_REQUIRED', 401)
  t.is(preflight.status, 204)
  t.is(login.body.user.openId, wechat.user('alice').openId)
})

test('loginPath, nodeBridge(): logs in by a body, whether somebody has parsed it or not', async (t) => {
  const server = await start(t, { loginPath: '/login', logoutPath: '/logout' })
  const parsed = await start(t, {
    weixin: server.wechat,
    loginPath: '/login',
    before: (request) => Object.assign(request, { body: JSON.parse(String(request.headers['x-parsed'])) }),
  })
  const code = () => newCode(server.wechat.phone('alice'))

  const login = await supertest(server.url)
    .post('/login')
    .send({ code: await code() })
  const fields = { code: await code() }
  const other = await supertest(parsed.url)
    .post('/login')
    .set({ 'X-Parsed': JSON.stringify(fields) })
    .send(fields)

  for (const { status, body, headers } of [login, other]) {
    t.is(status, 200)
    t.is(body.login, 'accepted')
    t.is(body.user.openId, server.wechat.user('alice').openId)
    t.is(headers['cache-control'], 'no-store')
  }
  const alice = { 'Weapp-Session': login.body.session }
  t.is((await server.send(alice)).status, 200)
  const logout = await supertest(server.url).post('/logout').set(alice)
  t.deepEqual(logout.body, { logout: 'done' })
  isRefused(t, await server.send(alice), 'ERR_SESSION_EXPIRED', 401, 'Weapp-')
})

test('nodeBridge(): the body of a request is left to the handler', async (t) => {
  const server = await start(t, {
    handler: async (request, response) => response.end(await buffer(request)),
  })
  const headers = await codeLoginHeaders(server.wechat.phone('alice'))
  const sent = 'x'.repeat(300_000)

  const { text: echoed } = await supertest(server.url).post('/').set(headers).type('text').send(sent)

  t.is(echoed, sent)
})

test('nodeBridge(): nothing is saved when the handler has thrown, or has answered 500', async (t) => {
  const server = await start(t, {
    handler: (request, response) => {
      const session = wxSession(request)
      if (request.url === '/' || !session) return answer(request, response)
      session.data.cart = [request.url]
      if (request.url === '/throws') throw new Error('planted')
      response.writeHead(503).end('by the handler')
    },
  })
  const alice = await logIn(server)

  const thrown = await server.send(alice, '/throws')
  const answered = await server.send(alice, '/answers')

  t.is(thrown.text, 'the error handler has answered')
  t.is(answered.text, 'by the handler')
  t.deepEqual((await server.send(alice)).body.data, {})
})

test('onError: a refusal of ours that a handler has thrown is named in the answer of the error handler', async (t) => {
  const server = await start(t, {
    handler: async (request) => {
      await wxSession(request)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
    },
  })

  const response = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))

  t.is(response.text, 'the error handler has answered')
  t.is(response.get('X-WX-Session-Error'), 'ERR_UNTRUSTED_RAW_DATA')
  t.is(response.get('X-WX-Login'), 'accepted')
})

test('handlerFailed(): nothing is saved, whatever the answer', async (t) => {
  const server = await start(t, {
    handler: (request, response) => {
      const session = wxSession(request)
      if (request.url === '/' || !session) return answer(request, response)
      session.data.cart = ['tea']
      handlerFailed(request, new Error('out of stock'))
      response.writeHead(404).end()
    },
  })
  const alice = await logIn(server)

  t.is((await server.send(alice, '/fails')).status, 404)
  t.deepEqual((await server.send(alice)).body.data, {})
})

test('nodeBridge(): data that is no JSON goes to the error handler, also where the handler has answered', async (t) => {
  const server = await start(t, {
    handler: (request, response) => {
      const session = wxSession(request)
      if (session && request.url === '/map') session.data.cart = new Map()
      response.setHeader('X-Own', '1')
      return answer(request, response)
    },
  })
  const alice = await logIn(server)

  const response = await server.send(alice, '/map')

  t.is(response.status, 500)
  t.is(response.text, 'the error handler has answered')
  t.is(response.get('X-Own'), undefined)
  t.regex(String(server.errors[0]), /TypeError.*data\.cart/)
})

test('nodeBridge(): an error of onLogin goes to the error handler', async (t) => {
  const server = await start(t, {
    onLogin: () => {
      throw new Error('no account')
    },
  })

  const response = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))

  t.is(response.text, 'the error handler has answered')
  t.regex(String(server.errors[0]), /no account/)
})

test('nodeBridge(): the first answer counts, when an error handler makes another one', async (t) => {
  const server = await start(t, {
    handler: (_, response) => {
      response.setHeader('X-Own', '1')
      response.end('first')
      response.end('twice')
      throw new Error('planted')
    },
  })

  const response = await server.send()

  t.is(response.status, 200)
  t.is(response.text, 'first')
  t.is(response.get('X-Own'), '1')
})

test('nodeBridge(): a header that Node refuses goes to the error handler', async (t) => {
  const server = await start(t, {
    handler: (_, response) => response.writeHead(200, { 'X-Own': 'line\nbreak' }).end(),
  })

  const response = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))

  t.is(response.text, 'the error handler has answered')
  t.is(response.get('X-WX-Login'), 'accepted')
})

test('nodeBridge(): rotate() and destroy() are on the answer, and afterwards', async (t) => {
  const server = await start(t, {
    store: redisStore(redis().options),
    handler: async (request, response) => {
      if (request.url === '/rotate') await wxSession(request)?.rotate()
      if (request.url === '/end') await wxSession(request)?.destroy()
      return answer(request, response)
    },
  })
  const alice = await logIn(server)

  const rotated = kept(await server.send(alice, '/rotate'))
  const ended = await server.send(rotated, '/end')

  t.notDeepEqual(rotated, alice)
  isRefused(t, await server.send(alice), 'ERR_SESSION_EXPIRED', 401)
  t.is(ended.body.user, null)
  isRefused(t, await server.send(rotated), 'ERR_SESSION_EXPIRED', 401)
})

test('anonymous, nodeBridge(): a guest’s session begins with what a handler puts into it, and its answer brings the cookie', async (t) => {
  const { cookieCarrier } = await import('../src/index.js')
  const server = await start(t, {
    carrier: cookieCarrier({ keys: ['a key that is long enough for tests'], anonymous: true }),
    handler: (request, response) => {
      const session = wxSession(request)
      if (request.url === '/puts' && session) session.data.cart = ['tea']
      response.writeHead(200, { 'Set-Cookie': 'own=1', 'Content-Type': 'application/json' })
      response.end(JSON.stringify(wxSession(request)?.data))
    },
  })

  const first = await server.send({}, '/puts')

  t.is(first.get('Set-Cookie')?.length, 2)
  const cookie = (first.get('Set-Cookie') ?? []).map((line) => line.split(';')[0]).join('; ')
  t.deepEqual((await server.send({ Cookie: cookie })).body, { cart: ['tea'] })
})

test('nodeBridge(): fifty requests at once with one credential, over kept connections, each key is saved', async (t) => {
  const server = await start(t, {
    store: redisStore(redis().options),
    handler: (request, response) => {
      const session = wxSession(request)
      if (session && request.url !== '/') session.data[String(request.url)] = true
      return answer(request, response)
    },
  })
  const alice = await logIn(server)
  const paths = Array.from({ length: 50 }, (_, n) => `/${n}`)

  const answers = await Promise.all(paths.map((path) => fetch(server.url + path, { headers: alice })))

  t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  for (const one of answers) await one.arrayBuffer()
  t.is(Object.keys((await server.send(alice)).body.data).length, 50)
})

test('nodeBridge(): a client that is gone before the answer breaks nothing, and what the handler has changed is saved', async (t) => {
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const store = slowStore()
  const server = await start(t, {
    store,
    handler: async (request, response) => {
      const session = wxSession(request)
      if (request.url !== '/slow' || !session) return answer(request, response)
      session.data.cart = ['tea']
      arrive()
      await once(response, 'close')
      response.end('for nobody')
    },
  })
  const alice = await logIn(server)
  const { hostname, port } = new URL(server.url)

  const socket = connect(Number(port), hostname)
  socket.write(`GET /slow HTTP/1.1\r\nHost: x\r\nX-WX-Session: ${alice['X-WX-Session']}\r\n\r\n`)
  await arrived
  socket.destroy()
  await until(() => store.isSaved)

  t.deepEqual((await server.send(alice)).body.data, { cart: ['tea'] })
})

test('nodeBridge(): a conflict in the place of a stream that has begun: the stream is destroyed', async (t) => {
  let closed = 0
  let waiting = 0
  const server = await start(t, {
    handler: async (request, response) => {
      const session = wxSession(request)
      if (request.url === '/' || !session) return answer(request, response)
      session.data.cart = [request.url]
      waiting += 1
      await until(() => waiting === 2)
      const chunks = Array.from({ length: 50 }, () => 'x'.repeat(10_000))
      Readable.from(chunks)
        .on('close', () => {
          closed += 1
        })
        .pipe(response)
    },
  })
  const alice = await logIn(server)

  const answers = await Promise.all(['/a', '/b'].map((path) => server.send(alice, path)))
  await until(() => closed === 2)

  t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
})

/** Two requests of one session whose handlers change one key: one is saved, the other is a conflict. */
async function conflict(t: ExecutionContext, makeAnswer: Handler, before?: Handler) {
  let waiting = 0
  const server = await start(t, {
    ...(before && { before }),
    handler: async (request, response) => {
      const session = wxSession(request)
      if (request.url === '/' || !session) return answer(request, response)
      session.data.cart = [request.url]
      waiting += 1
      await until(() => waiting === 2)
      return makeAnswer(request, response)
    },
  })
  const alice = await logIn(server)
  return Promise.all(['/a', '/b'].map((path) => server.send(alice, path)))
}

const chunks = () => Readable.from(Array.from({ length: 50 }, () => 'x'.repeat(10_000)))

test('nodeBridge(): a conflict in the place of a pipeline() is whole', async (t) => {
  const answers = await conflict(t, (_request, response) => void pipeline(chunks(), response, () => {}))

  t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  t.is(answers.find(({ status }) => status === 409)?.body.reason, 'ERR_SESSION_CONFLICT')
})

test('nodeBridge(): a conflict where something before it ends the answer later', async (t) => {
  const answers = await conflict(t, answer, (_request, response) => {
    const { end } = response
    response.end = ((...args: unknown[]) => {
      setTimeout(() => Reflect.apply(end, response, args), 20)
      return response
    }) as typeof response.end
  })

  t.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
})

test('nodeBridge(): a handler that waits for drain comes to its end, whichever answer goes out', async (t) => {
  let ended = 0
  await conflict(t, async (_request, response) => {
    if (!response.write('x'.repeat(100_000))) await once(response, 'drain')
    response.end()
    ended += 1
  })

  await until(() => ended === 2)
  t.pass()
})

test('nodeBridge(): a conflict in the place of an answer with a trailer, or with chunks by hand, has neither', async (t) => {
  const ways: Handler[] = [
    (_request, response) => response.setHeader('Trailer', 'X-Sum').end('done'),
    (_request, response) => response.setHeader('Transfer-Encoding', 'chunked').end('done'),
  ]
  for (const way of ways) {
    const answers = await conflict(t, way)
    const lost = answers.find(({ status }) => status === 409)
    t.is(lost?.body.reason, 'ERR_SESSION_CONFLICT')
    t.is(lost?.get('Trailer'), undefined)
    t.is(lost?.get('Transfer-Encoding'), undefined)
  }
})

test('nodeBridge(): a handler that waits until its writes are out comes to its end, whichever answer goes out', async (t) => {
  let ended = 0
  await conflict(t, async (_request, response) => {
    await new Promise((resolve) => response.write('do', resolve))
    // Where another answer is out already, too.
    await new Promise((resolve) => response.write('n', resolve))
    await new Promise((resolve) => response.end('e', () => resolve(undefined)))
    ended += 1
  })

  await until(() => ended === 2)
  t.pass()
})

const REFUSED_BY_NODE: Record<string, { write: (response: ServerResponse) => unknown; code: string }> = {
  'end(123)': { write: (response) => response.end(123), code: 'ERR_INVALID_ARG_TYPE' },
  'write({})': { write: (response) => response.write({}), code: 'ERR_INVALID_ARG_TYPE' },
  'write(null)': { write: (response) => response.write(null), code: 'ERR_STREAM_NULL_VALUES' },
  'writeHead(99)': { write: (response) => response.writeHead(99), code: 'ERR_HTTP_INVALID_STATUS_CODE' },
  'writeHead() with half a list': {
    write: (response) => response.writeHead(200, ['X-Own']),
    code: 'ERR_INVALID_ARG_VALUE',
  },
  'statusCode = 99': {
    write(response) {
      response.statusCode = 99
      response.end()
    },
    code: 'ERR_HTTP_INVALID_STATUS_CODE',
  },
}

for (const [call, { write, code }] of Object.entries(REFUSED_BY_NODE)) {
  test(`nodeBridge(): ${call} throws what Node throws, and nothing is saved`, async (t) => {
    const thrown: unknown[] = []
    const fail = (response: ServerResponse) => {
      try {
        write(response)
      } catch (error) {
        thrown.push((error as NodeJS.ErrnoException).code)
        throw error
      }
    }
    const server = await start(t, {
      handler: (request, response) => {
        const session = wxSession(request)
        if (request.url === '/' || !session) return answer(request, response)
        session.data.cart = ['tea']
        fail(response)
      },
    })
    const plain = await listenTo(
      t,
      createServer((_request, response) => {
        try {
          fail(response)
        } catch {
          response.writeHead(500).end()
        }
      }),
    )
    const alice = await logIn(server)

    const failed = await server.send(alice, '/fails')
    await supertest(plain).get('/')

    t.is(failed.text, 'the error handler has answered')
    t.deepEqual(thrown, [code, code])
    t.deepEqual((await server.send(alice)).body.data, {})
  })
}

test('onError: an error handler sees that half an answer is out, and that nothing is saved', async (t) => {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch: reach } = wechat
  const session = weappSession({ appId, appSecret, wechat: { fetch: reach }, carrier: CARRIERS.header() })
  const bridge = nodeBridge(session)
  const seen: boolean[] = []
  const server = createServer((request, response) => {
    bridge(request, response, () => {
      const own = wxSession(request)
      if (request.url === '/' || !own) return answer(request, response)
      own.data.cart = ['tea']
      response.write('half ')
      bridge.onError(new Error('planted'), request, response, () => {
        seen.push(response.headersSent)
        response.destroy()
      })
    })
  })
  const url = await listenTo(t, server)
  const login = await supertest(url)
    .get('/')
    .set(await codeLoginHeaders(wechat.phone('alice')))
  const alice = kept(login)

  await t.throwsAsync(fetch(`${url}/half`, { headers: alice }).then((response) => response.text()))

  t.deepEqual(seen, [true])
  t.deepEqual((await supertest(url).get('/').set(alice)).body.data, {})
})

test('nodeBridge(): a refusal is not put behind an answer that something before it has begun', async (t) => {
  const told: string[] = []
  const server = await start(t, {
    bridge: { onError: ({ message }) => told.push(message) },
    before(request, response) {
      if (request.url === '/begun') response.write('begun ')
      if (request.url === '/done') response.end('done')
    },
  })
  const nobody = { 'X-WX-Session': 'of nobody' }

  const begun = fetch(`${server.url}/begun`, { headers: nobody }).then((response) => response.text())
  await t.throwsAsync(begun)
  const done = await server.send(nobody, '/done')

  t.is(told.length, 1)
  t.regex(told[0] ?? '', /has begun to answer/)
  t.is(done.text, 'done')
})

test('nodeBridge(): an answer that something before it has begun goes on, and a second head throws', async (t) => {
  const thrown: unknown[] = []
  const server = await start(t, {
    before(request, response) {
      if (request.url === '/begun') response.setHeader('X-Own', '1').write('begun, ')
    },
    handler(request, response) {
      const session = wxSession(request)
      if (request.url === '/' || !session) return answer(request, response)
      session.data.cart = ['tea']
      try {
        response.writeHead(404)
      } catch (error) {
        thrown.push((error as NodeJS.ErrnoException).code)
      }
      response.end('done')
    },
  })
  const alice = await logIn(server)

  const { text, status } = await server.send(alice, '/begun')

  t.deepEqual([status, text], [200, 'begun, done'])
  t.deepEqual(thrown, ['ERR_HTTP_HEADERS_SENT'])
  t.deepEqual((await server.send(alice)).body.data, { cart: ['tea'] })
})

test('nodeBridge(): a request that opens a WebSocket has its user, and logs nobody in', async (t) => {
  const server = await start(t)
  const alice = await logIn(server)
  const bob = await codeLoginHeaders(server.wechat.phone('bob'))
  const upgrade = { Connection: 'Upgrade', Upgrade: 'WebSocket' }

  const known = await server.send({ ...alice, ...upgrade })
  const refused = await server.send({ ...bob, ...upgrade })

  t.is(known.body.user.openId, server.wechat.user('alice').openId)
  isRefused(t, refused, 'ERR_LOGIN_REQUIRED', 401)
  t.is((await server.send(bob)).get('X-WX-Login'), 'accepted')
})

test('nodeBridge(): a stream goes out where something before it keeps who waits for drain', async (t) => {
  const server = await start(t, {
    // As compression does: it has a stream of its own, whose buffer it asks about.
    before(_request, response) {
      const kept = new PassThrough()
      const { on } = response
      response.on = ((name: string, listener: () => void) => {
        if (name === 'drain') kept.on(name, listener)
        else Reflect.apply(on, response, [name, listener])
        return response
      }) as typeof response.on
    },
    async handler(request, response) {
      if (request.url === '/') return answer(request, response)
      if (!response.write('one ')) await new Promise<void>((resolve) => response.on('drain', resolve))
      return response.end('two')
    },
  })
  const alice = await logIn(server)

  const { status, text } = await server.send(alice, '/stream')

  t.is(status, 200)
  t.is(text, 'one two')
})

test('wxUser(): an application may have a raw or an env of its own on the request', async (t) => {
  const server = await start(t, {
    handler(request, response) {
      Object.assign(request, { raw: Buffer.from('{}'), env: { incoming: {} } })
      return answer(request, response)
    },
  })

  t.is((await server.send(await logIn(server))).status, 200)
})

test('handlerFailed(): of a request that no bridge has seen it says nothing', (t) => {
  t.notThrows(() => handlerFailed({}, new Error('its body was refused')))
})

test('onError of a bridge: hears what nobody else is told', async (t) => {
  const heard: string[] = []
  const server = await start(t, {
    store: {
      ...memoryStore(),
      read: () => Promise.reject(new Error('the store is away')),
    },
    bridge: { onError: (error, { url }) => heard.push(`${url}: ${error.message}`) },
  })
  const alice = await logIn(server)

  const response = await server.send(alice, '/me')

  isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
  t.is(heard.length, 1)
  t.regex(heard[0] ?? '', /^\/me: Sessions cannot be read/)
})

test('proxy of a bridge: X-Forwarded-Host says which host was asked, for loginOrigins', async (t) => {
  const wechat = startWechat(t)
  const options = { weixin: wechat, carrier: CARRIERS.cookie(), loginPath: '/login' }
  const direct = await start(t, options)
  const behind = await start(t, { ...options, bridge: { proxy: true } })
  const headers = { Origin: 'https://www.example.com', 'X-Forwarded-Host': 'www.example.com' }
  const login = async ({ url }: BridgeServer) => {
    const code = await newCode(wechat.phone('alice'))
    return supertest(url).post('/login').set(headers).send({ code })
  }

  t.is((await login(direct)).status, 403)
  t.is((await login(behind)).status, 200)
})

test('every bridge: mistakes at start-up say what is wrong', (t) => {
  const { appId, appSecret } = startWechat(t)
  const session = weappSession({ appId, appSecret })

  for (const make of [nodeBridge, fastifyBridge, honoBridge]) {
    const { name } = make
    t.throws(() => make({} as never), {
      message: new RegExp(`${name}\\(\\) needs what weappSession\\(\\) returns`),
    })
    t.throws(() => make(session, { proxi: true } as never), { message: /did you mean 'proxy'/ })
    t.throws(() => make(session, { proxy: 'true' } as never), { message: /without quotes/ })
  }
  t.throws(() => wxUser({}), { message: /wxUser\(\) needs a bridge before it/ })
})

test('honoBridge(): says what is missing', async (t) => {
  const { appId, appSecret } = startWechat(t)
  const bridge = honoBridge(weappSession({ appId, appSecret }))
  const say = (env: unknown) =>
    bridge({ env, error: undefined, res: new Response() }, async () => {}).catch(({ message }) => message)

  for (const env of [undefined, {}, { incoming: 'text' }])
    t.regex(await say(env), /finds no c\.env\.incoming/)
  t.regex(await say({ incoming: { headers: {} }, outgoing: {} }), /c\.env\.outgoing that is no response/)
})
