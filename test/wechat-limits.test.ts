/** Calls of WeChat that are no logins: how many at a time, and that logins go on meanwhile. */
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import type { Response } from 'supertest'
import type { Phone } from '../simulator/src/index.js'
import { startServer, type TestServer } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS, type Visitor, visitor } from './support/visitor.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

const LOGIN = '/sns/jscode2session'
const TOKEN = '/cgi-bin/stable_token'
const PHONE = '/wxa/business/getuserphonenumber'
const CHECK = '/wxa/checksession'

/** ms that a login may take: one that waited for the slots of other calls would take longer. */
const LIMIT = 3000

for (const path of ['/phone/made-up', '/key'] as const) {
  test.serial(
    `wechat.concurrency: 400 times ${path} of one user, three at a time, and logins go on`,
    async (t) => {
      const { server, seen, slow } = await start(t)
      const [mallory] = await users(server, 1)
      await mallory?.get('/key')
      const withdraw = slow(4000)

      const flood = Array.from({ length: 400 }, (_, n) =>
        mallory?.get(path === '/key' ? path : `${path}-${n}`),
      )
      await answered(flood, 300)
      const logins = await Promise.all(Array.from({ length: 8 }, () => timedLogin(server)))
      t.is(seen.now(PHONE, CHECK), 3)
      withdraw()
      const answers = await Promise.all(flood)

      t.deepEqual(seen.most(PHONE, CHECK), 3)
      for (const { status, ms } of logins) t.true(status === 200 && ms < LIMIT, `${status} after ${ms} ms`)
      const refused = answers.filter((answer) => answer?.status === 429)
      t.true(refused.length > 300, `${refused.length} refused`)
      for (const answer of refused) {
        t.deepEqual([answer?.get('Retry-After'), answer?.text], ['1', 'Too Many Requests'])
      }
      // They were no answers of WeChat's.
      t.is(seen.count(PHONE) + seen.count(CHECK) - 1, 400 - refused.length)
      await t.notThrowsAsync(quiet(server, mallory, seen))
    },
  )
}

test.serial(
  'wechat.concurrency: 400 requests of fifty users: half of the total, and logins go on',
  async (t) => {
    const { server, seen, slow } = await start(t)
    const all = await users(server, 50)
    const withdraw = slow(4000)

    const flood = all.flatMap((visit, user) =>
      Array.from({ length: 8 }, (_, n) => visit.get(n % 2 ? '/key' : `/phone/made-up-${user}-${n}`)),
    )
    await answered(flood, 300)
    const logins = await Promise.all(Array.from({ length: 5 }, () => timedLogin(server)))
    t.is(seen.now(PHONE, CHECK), 5)
    withdraw()
    const statuses = (await Promise.all(flood)).map(({ status }) => status)

    t.is(seen.most(PHONE, CHECK), 5)
    t.true(seen.most(PHONE, CHECK, LOGIN, TOKEN) <= 10)
    for (const { status, ms } of logins) t.true(status === 200 && ms < LIMIT, `${status} after ${ms} ms`)
    t.deepEqual([...new Set(statuses)].sort(), [200, 400, 429])
    await t.notThrowsAsync(quiet(server, all[0], seen))
  },
)

test.serial(
  'wechat.concurrency: fifty users one after the other are all served, and a few at once too',
  async (t) => {
    const { server, phones } = await start(t)
    const all = await users(server, 50)

    for (let n = 0; n < 50; n += 5) {
      const answers = await Promise.all(
        all.slice(n, n + 5).map((visit, i) => visit.get(`/phone/${phones(n + i).requestUserPhoneCode()}`)),
      )
      t.deepEqual(
        answers.map(({ status }) => status),
        Array(5).fill(200),
      )
    }
  },
)

test.serial('wechat.concurrency: a code that was turned away is as good as before', async (t) => {
  const { server, slow, phones } = await start(t)
  const [alice] = await users(server, 1)
  const withdraw = slow(300)
  const codes = Array.from({ length: 20 }, () => phones(0).requestUserPhoneCode())

  const answers = await Promise.all(codes.map((code) => alice?.get(`/phone/${code}`)))
  withdraw()

  const turnedAway = codes.filter((_, n) => answers[n]?.status === 429)
  t.is(turnedAway.length, 14)
  for (const code of turnedAway) t.is((await alice?.get(`/phone/${code}`))?.status, 200)
})

for (const hanging of [TOKEN, PHONE] as const) {
  test.serial(
    `wechat.timeout: while ${hanging} hangs, the deadline gives the slots back, and logins go on`,
    async (t) => {
      const { server, seen, phones } = await start(t, { timeout: 4000 })
      const all = await users(server, 4)
      const withdraw = server.wechat.fail('hang', { path: hanging, times: Number.POSITIVE_INFINITY })

      const flood = all.flatMap((visit, user) =>
        Array.from({ length: 8 }, (_, n) => visit.get(`/phone/made-up-${user}-${n}`)),
      )
      await answered(flood, 22)
      const logins = await Promise.all(Array.from({ length: 5 }, () => timedLogin(server)))
      const statuses = (await Promise.all(flood)).map(({ status }) => status)
      withdraw()

      for (const { status, ms } of logins) t.true(status === 200 && ms < LIMIT, `${status} after ${ms} ms`)
      t.deepEqual([...new Set(statuses)].sort(), [429, 504])
      t.is(statuses.filter((status) => status === 504).length, 10, 'five at a time, five in line')
      t.true(seen.most(PHONE, TOKEN) <= 5)
      t.is((await all[0]?.get(`/phone/${phones(0).requestUserPhoneCode()}`))?.status, 200)
    },
  )
}

test.serial('access_token: a token that is refused is replaced within the slot of its call', async (t) => {
  const { server, seen, phones } = await start(t, { concurrency: 1 })
  const all = await users(server, 2)
  await all[0]?.get(`/phone/${phones(0).requestUserPhoneCode()}`)
  server.wechat.clock.advance(2 * 3600_000)

  const both = await Promise.all(
    all.map((visit, n) => visit.get(`/phone/${phones(n).requestUserPhoneCode()}`)),
  )

  t.deepEqual(
    both.map(({ status }) => status),
    [200, 200],
  )
  t.deepEqual([seen.most(PHONE, TOKEN), seen.count(TOKEN)], [1, 2])
})

/** Resolves when so many are answered. */
async function answered(requests: (Promise<unknown> | undefined)[], count: number): Promise<void> {
  let done = 0
  for (const request of requests) request?.then(() => done++)
  await until(() => done >= count)
}

interface Seen {
  /** Calls of these that are under way. */
  now(...paths: string[]): number
  /** The most calls of these that were under way at a time. */
  most(...paths: string[]): number
  count(path: string): number
}

interface Started {
  server: TestServer
  seen: Seen
  /** What is no login takes so many ms; returns what ends that. */
  slow(ms: number): () => void
  /** The phone of a user by number. */
  phones(n: number): Phone
}

async function start(
  t: ExecutionContext,
  options: { timeout?: number; concurrency?: number } = {},
): Promise<Started> {
  const weixin = startWechat(t)
  const under: string[] = []
  const history: string[][] = []
  const calls: string[] = []
  const watched: typeof fetch = async (url, init) => {
    const { pathname } = new URL(String(url))
    calls.push(pathname)
    under.push(pathname)
    history.push([...under])
    try {
      return await weixin.fetch(url, init)
    } finally {
      under.splice(under.indexOf(pathname), 1)
    }
  }
  const among = (paths: string[], some: string[]) => some.filter((path) => paths.includes(path)).length
  const seen: Seen = {
    now: (...paths) => among(paths, under),
    most: (...paths) => Math.max(0, ...history.map((some) => among(paths, some))),
    count: (path) => among([path], calls),
  }
  const server = await startServer(t, {
    weixin,
    carrier: CARRIERS.header(),
    ttl: 24 * 3600,
    wechat: { fetch: watched, timeout: 20_000, concurrency: 10, ...options },
    handler: phoneOrKey,
  })
  return {
    server,
    seen,
    slow(ms) {
      const withdraw = [PHONE, CHECK].map((path) =>
        weixin.fail({ delay: ms }, { path, times: Number.POSITIVE_INFINITY }),
      )
      return () => {
        for (const one of withdraw) one()
      }
    },
    phones: (n) => weixin.phone({ name: `user ${n}`, phoneNumber: '13800138000' }),
  }
}

async function phoneOrKey(ctx: Context): Promise<void> {
  const [, what, code = ''] = ctx.path.split('/')
  if (what === 'phone') ctx.body = await ctx.$wxSession?.getPhoneNumber(code)
  else if (what === 'key') ctx.body = { isAlive: await ctx.$wxSession?.isKeyAlive() }
  else ctx.body = 'ok'
}

async function users(server: TestServer, count: number): Promise<Visitor[]> {
  const all: Visitor[] = []
  for (let n = 0; n < count; n++) {
    const visit = visitor(server, server.wechat.phone({ name: `user ${n}`, phoneNumber: '13800138000' }))
    await visit.logIn()
    all.push(visit)
  }
  return all
}

async function timedLogin({ send, wechat }: TestServer): Promise<{ status: number; ms: number }> {
  const headers = await codeLoginHeaders(wechat.phone())
  const began = performance.now()
  const { status }: Response = await send(headers)
  return { status, ms: performance.now() - began }
}

/** When all is over, nothing is under way, and the next call goes through at once. */
async function quiet(server: TestServer, visit: Visitor | undefined, seen: Seen): Promise<void> {
  if (seen.now(LOGIN, TOKEN, PHONE, CHECK) > 0) throw new Error('calls are under way still')
  const code = server.wechat.phone({ name: 'user 0', phoneNumber: '13800138000' }).requestUserPhoneCode()
  const answer = await visit?.get(`/phone/${code}`)
  if (answer?.status !== 200) throw new Error(`${answer?.status} ${answer?.text}`)
}
