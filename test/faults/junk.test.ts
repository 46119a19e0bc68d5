/**
 * Junk in bulk: what it costs WeChat and the store, and what it leaves behind in a server's memory and in Redis.
 */
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import { memoryStore } from '../../src/index.js'
import { countingStore } from '../support/counting-store.js'
import { type ServerProcess, startProcess } from '../support/processes.js'
import { type HeaderLine, type RawClient, type RawResponse, rawClient, sendAll } from '../support/raw-http.js'
import { useRedis } from '../support/redis.js'
import { startServer } from '../support/server.js'
import { startWechat } from '../support/wechat.js'

const redis = useRedis(test)

/** How many junk codes a test sends. */
const JUNK = 10_000

/** Requests to warm a server up with, and then to measure it by. */
const WARM_UP = 2000
const MEASURED = 10_000

/** Bytes that stay for each request, at most: an id that is kept in a Set takes more. */
const GROWTH = 80

test.serial(
  'X-WX-Code: 10,000 codes that are no sessions: a 401 and one read for each, and WeChat is not asked',
  async (t) => {
    const store = countingStore(memoryStore())
    const { url, wechat } = await startServer(t, { store })

    const responses = await sendAll(clients(t, url), times(JUNK, junkCode), (client, code) =>
      client.send([['X-WX-Code', code]]),
    )

    t.deepEqual(tally(responses), { '401 ERR_SESSION_EXPIRED': JUNK })
    t.deepEqual(store.calls(), { read: JUNK })
    t.is(wechat.calls.length, 0)
  },
)

test.serial(
  'X-WX-Code: codes that WeChat never issued: one exchange for each, however often and in parallel',
  async (t) => {
    const store = countingStore(memoryStore())
    const { url, wechat } = await startServer(t, { store, wechat: { timeout: 30_000 } })
    const codes = times(500, junkCode)
    const together = clients(t, url, 5)

    const responses: RawResponse[] = []
    for (const code of codes) {
      responses.push(...(await Promise.all(together.map((client) => client.send(login(code))))))
    }
    const exchangesAtFirst = wechat.exchanges
    for (let again = 0; again < 5; again++) {
      responses.push(...(await sendAll(together, codes, (client, code) => client.send(login(code)))))
    }

    t.deepEqual(tally(responses), { '401 ERR_SESSION_KEY_EXCHANGE_FAILED': codes.length * 10 })
    t.is(exchangesAtFirst, codes.length)
    t.deepEqual(wechat.calls.map(({ code }) => code).sort(), [...codes].sort())
    t.is(store.calls().create, undefined)
  },
)

test.serial(
  'redisStore(): malformed requests and unknown sessions leave nothing in a process or in Redis',
  async (t) => {
    const { options, entries } = redis()
    const wechat = startWechat(t)
    const server = await startProcess(t, { wechat, store: options })

    const malformed = await growth(t, server.url, malformedRequest, () => memoryOf(server))
    const unknown = await growth(t, server.url, unknownSession, () => memoryOf(server))

    t.log(`bytes that stay: malformed ${malformed.bytes}, unknown sessions ${unknown.bytes}`)
    t.deepEqual(Object.keys(malformed.tally).sort(), ['400 ERR_BAD_REQUEST', '400 ERR_UNTRUSTED_RAW_DATA'])
    t.deepEqual(unknown.tally, { '401 ERR_SESSION_EXPIRED': MEASURED })
    t.true(malformed.bytes < MEASURED * GROWTH, `malformed requests: ${malformed.bytes} bytes stay`)
    t.true(unknown.bytes < MEASURED * GROWTH, `unknown sessions: ${unknown.bytes} bytes stay`)
    t.deepEqual(await entries(), [])
    t.is(wechat.calls.length, 0)
  },
)

test.serial(
  'memoryStore(): malformed requests and unknown sessions leave nothing in the memory store',
  async (t) => {
    const { url, wechat } = await startServer(t, { store: memoryStore() })

    const malformed = await growth(t, url, malformedRequest, memoryOfThis)
    const unknown = await growth(t, url, unknownSession, memoryOfThis)

    t.log(`bytes that stay: malformed ${malformed.bytes}, unknown sessions ${unknown.bytes}`)
    t.true(malformed.bytes < MEASURED * GROWTH, `malformed requests: ${malformed.bytes} bytes stay`)
    t.true(unknown.bytes < MEASURED * GROWTH, `unknown sessions: ${unknown.bytes} bytes stay`)
    t.is(wechat.calls.length, 0)
  },
)

test.serial(
  'X-WX-Code: logins with junk codes leave nothing in a process; what Redis remembers of them ends',
  async (t) => {
    const { options, entries } = redis()
    const wechat = startWechat(t)
    const server = await startProcess(t, { wechat, store: options })

    const { bytes, tally } = await growth(
      t,
      server.url,
      () => login(junkCode()),
      () => memoryOf(server),
    )

    t.log(`bytes that stay: ${bytes}`)
    t.deepEqual(tally, { '401 ERR_SESSION_KEY_EXCHANGE_FAILED': MEASURED })
    t.true(bytes < MEASURED * GROWTH, `${bytes} bytes stay`)
    const stored = await entries()
    t.true(stored.length <= WARM_UP + MEASURED)
    // -2: gone since it was listed. Never -1, which would be for ever.
    t.true(stored.every(({ ttl }) => ttl !== -1 && ttl <= 10_000))
  },
)

interface Growth {
  /** What the heap has grown by, over the measured requests. */
  bytes: number
  tally: Record<string, number>
}

/** What many such requests leave in memory, once the first ones have warmed everything up. */
async function growth(
  t: ExecutionContext,
  url: string,
  request: () => HeaderLine[],
  memory: () => Promise<number>,
): Promise<Growth> {
  const senders = clients(t, url)
  // Made one by one, and not kept: where the server shares a heap with the test, requests would count as its own.
  const send = async (count: number) => {
    const counts: Record<string, number> = {}
    const sendOne = async (client: RawClient) => {
      const outcome = outcomeOf(await client.send(request()))
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
    let left = count
    await Promise.all(
      senders.map(async (client) => {
        while (left-- > 0) await sendOne(client)
      }),
    )
    return counts
  }

  await send(WARM_UP)
  const before = await memory()
  const tally = await send(MEASURED)
  return { bytes: (await memory()) - before, tally }
}

/** The least of a few looks: what is still on its way to be collected is no growth. */
async function memoryOf(server: ServerProcess): Promise<number> {
  const looks: number[] = []
  for (let look = 0; look < 4; look++) looks.push((await server.send({}, '/memory')).body.heapUsed)
  return Math.min(...looks)
}

async function memoryOfThis(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const looks: number[] = []
  for (let look = 0; look < 4; look++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    looks.push(process.memoryUsage().heapUsed)
  }
  return Math.min(...looks)
}

/** A login that is spoilt in one of the ways in which a header can be malformed, and different each time. */
function malformedRequest(): HeaderLine[] {
  const code = junkCode()
  const text = randomBytes(200).toString('hex')
  const ways: HeaderLine[][] = [
    [['X-WX-Code', `${code},${code}`]],
    [
      ['X-WX-Code', code],
      ['X-WX-Code', text],
    ],
    [['X-WX-Code', text]],
    [
      ['X-WX-Code', code],
      ['X-WX-Login', text],
    ],
    [
      ['X-WX-Code', code],
      ['X-WX-RawData', `%ED%A0%80${text}`],
    ],
    [
      ['X-WX-Code', code],
      ['X-WX-RawData', `["${text}"]`],
      ['X-WX-Signature', text.slice(0, 40)],
    ],
    [
      ['X-WX-Code', code],
      ['X-WX-RawData', `{"nickName":"${text}"}`],
      ['X-WX-Signature', text],
    ],
    [...login(code), ['X-WX-Encrypted-Data', text], ['X-WX-IV', code]],
  ]
  return ways[randomBytes(1).readUInt8() % ways.length] ?? []
}

function unknownSession(): HeaderLine[] {
  return [['X-WX-Code', junkCode()]]
}

function login(code: string): HeaderLine[] {
  return [
    ['X-WX-Code', code],
    ['X-WX-Login', 'code'],
  ]
}

/** Of the length and the letters of a code, which WeChat has not issued; or of the greatest length there can be. */
function junkCode(): string {
  const isLong = randomBytes(1).readUInt8() % 2 === 0
  return randomBytes(isLong ? 128 : 16).toString('hex')
}

/** Few enough for all of them to be exchanged at once. */
function clients(t: ExecutionContext, url: string, count = 8): RawClient[] {
  return times(count, () => rawClient(t, url))
}

/** How often each outcome came. */
function tally(responses: RawResponse[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of responses.map(outcomeOf)) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

function outcomeOf({ status, headers }: RawResponse): string {
  return `${status} ${headers.get('x-wx-session-error')}`
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
