import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { Response } from 'supertest'
import type { Fault } from '../../simulator/src/index.js'
import { freePort } from '../support/redis.js'
import { isRefused, startServer, type TestServer } from '../support/server.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly } from '../support/wechat.js'

const FAILED = 'ERR_SESSION_KEY_EXCHANGE_FAILED'

/** ms for an exchange, and ms that the breaker stays open (src/login/exchange.ts). */
const TIMEOUT = 500
const COOL_DOWN = 2000

const FAULTS: Record<string, { fault: Fault; status: number; errcode?: number }> = {
  hangs: { fault: 'hang', status: 504 },
  'resets connections': { fault: 'reset', status: 502 },
  'closes connections without an answer': { fault: 'lost', status: 502 },
  'answers with a page of a gateway': { fault: { status: 503 }, status: 502 },
  'answers 200 with HTML': { fault: { status: 200 }, status: 502 },
  'answers half of its JSON': { fault: 'truncated', status: 502 },
  'is busy (-1)': { fault: { errcode: -1 }, status: 502 },
}

for (const [what, { fault, status }] of Object.entries(FAULTS)) {
  test.serial(
    `code2Session: while WeChat ${what}: logins end in time, then at once, sessions go on, and all is well again`,
    async (t) => {
      const server = await startServer(t, { wechat: { timeout: TIMEOUT } })
      const { wechat, send } = server
      const known = await codeLoginHeaders(wechat.phone())
      await send(known)
      const mend = wechat.fail(fault, { times: Number.POSITIVE_INFINITY })

      const first = await together(30, () => timedLogin(server))
      const exchanges = wechat.exchanges
      const later = await together(30, () => timedLogin(server))
      const sessions = await together(20, () => send(codeOnly(known)))
      const repeated = await send(known)

      for (const { response } of first) isRefused(t, response, FAILED, status)
      t.true(slowest(first) < TIMEOUT + 400, `${slowest(first)} ms`)
      for (const { response } of later) {
        isRefused(t, response, FAILED, 502)
        t.is(response.get('Retry-After'), '1')
      }
      t.is(wechat.exchanges, exchanges, 'a WeChat that is left alone is not asked')
      t.deepEqual(new Set(sessions.map((response) => response.status)), new Set([200]))
      t.is(repeated.status, 200, 'a code that has its session needs no WeChat')

      mend()
      const mended = performance.now()
      await until(async () => (await timedLogin(server)).response.status === 200)
      const recovery = performance.now() - mended
      t.true(recovery < COOL_DOWN + 500, `${recovery} ms`)
      t.log(
        `first ≤ ${slowest(first)} ms, later ≤ ${slowest(later)} ms; well again after ${Math.round(recovery)} ms`,
      )
    },
  )
}

test.serial(
  'code2Session: a WeChat that cannot be reached at all: logins end in time, sessions go on',
  async (t) => {
    const port = await freePort()
    const server = await startServer(t, {
      wechat: { baseUrl: `http://127.0.0.1:${port}`, timeout: TIMEOUT, fetch },
    })

    const { response, ms } = await timedLogin(server)

    isRefused(t, response, FAILED, 502)
    t.true(ms < TIMEOUT + 100)
  },
)

test.serial(
  'code2Session: a WeChat that takes connections and never says a word: logins end in time',
  async (t) => {
    const hole = createServer(() => {}).listen(0, '127.0.0.1')
    await once(hole, 'listening')
    t.teardown(() => hole.close())
    const { port } = hole.address() as { port: number }
    const server = await startServer(t, {
      wechat: { baseUrl: `http://127.0.0.1:${port}`, timeout: TIMEOUT, fetch },
    })

    const logins = await together(20, () => timedLogin(server))

    for (const { response } of logins) isRefused(t, response, FAILED, 504)
    t.true(slowest(logins) < TIMEOUT + 400, `${slowest(logins)} ms`)
  },
)

test.serial('code2Session: refusals of bad codes open no breaker, however many there are', async (t) => {
  const { send, wechat } = await startServer(t)

  const refused = await together(100, () => send(junkLogin()))
  const login = await send(await codeLoginHeaders(wechat.phone()))

  t.deepEqual(new Set(refused.map(({ status }) => status)), new Set([401]))
  t.is(login.status, 200)
})

test.serial(
  'code2Session: while a WeChat is slow: so many at a time, as many in line, the rest at once, and no code is wasted',
  async (t) => {
    const { send, wechat } = await startServer(t, { wechat: { timeout: 5000, concurrency: 5 } })
    const withdraw = wechat.fail({ delay: 400 }, { times: Number.POSITIVE_INFINITY })
    const known = await codeLoginHeaders(wechat.phone())
    await send(known)
    const headers = await Promise.all(Array.from({ length: 30 }, () => codeLoginHeaders(wechat.phone())))

    const logins = Promise.all(headers.map((one) => send(one)))
    await until(() => wechat.exchanges === 6)
    const meanwhile = await send(codeOnly(known))
    t.is(wechat.exchanges, 6, 'five at a time')
    const statuses = (await logins).map(({ status }) => status)
    withdraw()

    t.is(meanwhile.status, 200)
    t.deepEqual(statuses.filter((status) => status === 200).length, 10)
    t.deepEqual(statuses.filter((status) => status === 502).length, 20)
    // Nobody has sent these codes to WeChat: they are as good as before.
    const turnedAway = headers.filter((_, n) => statuses[n] === 502).slice(0, 5)
    const again = await Promise.all(turnedAway.map((one) => send(one)))
    t.deepEqual(new Set(again.map(({ status }) => status)), new Set([200]))
  },
)

test.serial(
  'code2Session: 1,000 junk logins at once: WeChat is asked by no more than the limit at a time',
  async (t) => {
    const { send, wechat } = await startServer(t, { wechat: { concurrency: 20 } })
    wechat.fail({ errcode: 40029, delay: 100 }, { times: Number.POSITIVE_INFINITY })
    let most = 0
    let isOver = false
    const began = wechat.exchanges
    const watch = (async () => {
      // Each wave takes 100 ms: more than 20 in any 50 ms would be more than 20 at a time.
      for (let before = began; !isOver; before = wechat.exchanges) {
        await sleep(50)
        most = Math.max(most, wechat.exchanges - before)
      }
    })()

    const statuses = (await together(1000, () => send(junkLogin()))).map(({ status }) => status)
    isOver = true
    await watch

    t.true(most <= 40, `${most}`)
    t.deepEqual([...new Set(statuses)].sort(), [401, 502])
    t.true(wechat.exchanges < 1000)
  },
)

interface Timed {
  response: Response
  ms: number
}

async function timedLogin({ send, wechat }: TestServer): Promise<Timed> {
  const headers = await codeLoginHeaders(wechat.phone())
  const began = performance.now()
  const response = await send(headers)
  return { response, ms: Math.round(performance.now() - began) }
}

function slowest(timed: Timed[]): number {
  return Math.max(...timed.map(({ ms }) => ms))
}

function together<T>(count: number, work: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, work))
}

function junkLogin(): Record<string, string> {
  return { 'X-WX-Code': `junk-${Math.random()}`, 'X-WX-Login': 'code' }
}
