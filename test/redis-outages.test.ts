import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { createClient } from 'redis'
import type { Response } from 'supertest'
import { headerCarrier, redisStore } from '../src/index.js'
import type { RedisClient } from '../src/stores/redis/client.js'
import { useRedis } from './support/redis.js'
import { startServer, type TestServer } from './support/server.js'
import { until } from './support/until.js'
import { KEY, kept } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

const redis = useRedis(test)

/** ms. Longer than one call and the one after it may take, shorter than anybody is believed to be dead. */
const BLACKOUT = 600

/** How a request gets another credential, and what its client does when that was not answered. */
const DEEDS: Record<string, Deed> = {
  'rotate()': {
    async before(server) {
      const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
      await server.send(kept(login), '/put?one=1')
      return kept(login)
    },
    run: (server, held) => server.send(held, '/rotate'),
    again: (server, held) => server.send(held),
  },
  'a guest logs in': {
    before: async (server) => kept(await server.send({}, '/put?one=1')),
    run: (server, held, login) => server.send({ ...held, ...login }),
    // With the same code; and with a new one, when that is refused.
    async again(server, held, login) {
      const response = await server.send({ ...held, ...login })
      if (response.status !== 401) return response
      return server.send({ ...held, ...(await codeLoginHeaders(server.wechat.phone('alice'))) })
    },
  },
}

type Headers = Record<string, string>
type Send = (server: TestServer, held: Headers, login: Headers) => Promise<Response>

interface Deed {
  /** What the client has before. */
  before(server: TestServer): Promise<Headers>
  run: Send
  again: Send
}

for (const [name, deed] of Object.entries(DEEDS)) {
  for (const isDone of [true, false]) {
    const what = isDone ? 'whose last command it still does' : 'before it does a command'
    test(`${name}: nobody is lost when Redis is away for ${BLACKOUT} ms, ${what}, whichever it is`, async (t) => {
      const cases = Array.from({ length: 14 }, (_, n) => n)
      const reached = await Promise.all(cases.map((n) => blackOutAt(t, n, isDone, deed)))
      // The last cases are beyond the last command, so that none is left out.
      t.false(reached.at(-1))
      t.true(reached.filter(Boolean).length >= 5)
    })
  }
}

/** Redis is away from a deed's nth command on. Whether the deed has as many. */
async function blackOutAt(
  t: ExecutionContext,
  nth: number,
  isDone: boolean,
  { before, run, again }: Deed,
): Promise<boolean> {
  const own = redis()
  const { client, failFrom, hasFailed, stop } = await failingClient(own.url, isDone)
  const server = await startServer(t, {
    carrier: headerCarrier({ keys: [KEY], anonymous: true }),
    store: redisStore({ client, prefix: own.prefix, timeout: 5000 }),
    handler: serve,
  })
  const held = await before(server)
  const login = await codeLoginHeaders(server.wechat.phone('alice'))

  failFrom(nth)
  const response = await run(server, held, login)
  const wasReached = hasFailed()
  stop()

  const where = `command ${nth}: ${response.status} ${response.text}`
  t.true([200, 503].includes(response.status), where)
  const given = { ...held, ...kept(response) }
  let later = response
  await until(async () => {
    later = await (response.status === 200 ? server.send(given) : again(server, held, login))
    return later.status !== 503
  })
  t.is(later.status, 200, where)
  t.deepEqual(later.body.data, { one: '1' }, where)
  await until(async () => (await liveSessions()).length === 1)
  client.destroy()
  return wasReached

  async function liveSessions(): Promise<string[]> {
    const entries = await own.entries()
    return entries.map(({ value }) => value).filter((value) => /^\d+ \d+\n/.test(value))
  }
}

interface FailingClient {
  client: RedisClient
  failFrom(nth: number): void
  hasFailed(): boolean
  stop(): void
}

/** A client whose every command fails for a while, from a certain one on. */
async function failingClient(url: string, isDone: boolean): Promise<FailingClient> {
  const inner = createClient({ url })
  inner.on('error', () => {})
  await inner.connect()
  let left = Number.POSITIVE_INFINITY
  let until = 0

  const client = new Proxy(inner, {
    get(target, name) {
      if (name === 'withCommandOptions') return () => client
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const call = (...args: unknown[]): unknown => Reflect.apply(value, target, args)
      return ['get', 'pTTL', 'hGet', 'hDel', 'hGetAll', 'eval', 'evalSha'].includes(String(name))
        ? (...args: unknown[]) => command(() => call(...args) as Promise<unknown>)
        : call
    },
  }) as unknown as RedisClient
  return {
    client,
    failFrom(nth) {
      left = nth
    },
    hasFailed: () => until > 0,
    stop() {
      left = Number.POSITIVE_INFINITY
    },
  }

  async function command(send: () => Promise<unknown>): Promise<unknown> {
    if (until === 0 && left-- === 0) {
      until = performance.now() + BLACKOUT
      if (isDone) await send()
    }
    if (performance.now() < until) {
      await sleep(20)
      throw new Error('no answer')
    }
    return send()
  }
}

async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, path } = ctx
  if (session && path === '/put') Object.assign(session.data, ctx.query)
  if (path === '/rotate') await session?.rotate()
  ctx.body = { data: session?.data }
}
