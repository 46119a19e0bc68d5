import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createClient } from 'redis'
import { redisStore } from '../src/index.js'
import { quotaOf } from './slow-machine/quota.js'
import { startSlow } from './slow-machine/server.js'
import { isServed, makeLogins, statusOf } from './slow-machine/traffic.js'
import { startProcess } from './support/processes.js'
import { freePort, startRedis, useRedis } from './support/redis.js'
import { runScript } from './support/run-script.js'
import { isRefused, startServer } from './support/server.js'
import { until } from './support/until.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

const redis = useRedis(test)

test.serial(
  'redisStore({ url }): beside three busy processes, the first ten requests of a fresh process are answered',
  async (t) => {
    const { url, prefix } = redis()
    const wechat = startWechat(t)
    const headers = await codeLoginHeaders(wechat.phone())
    const compute = ['-e', 'setTimeout(() => process.exit(), 20000); for (;;);']
    const others = Array.from({ length: 3 }, () => spawn(process.execPath, compute))
    t.teardown(() => others.map((other) => other.kill('SIGKILL')))

    const server = await startProcess(t, { wechat, store: { url, prefix, timeout: 250 } })
    const responses = await Promise.all(Array.from({ length: 10 }, () => server.send(headers)))

    t.deepEqual(
      responses.map(({ status }) => status),
      responses.map(() => 200),
    )
  },
)

test.serial(
  'redisStore({ url }): with a quarter of a core, the first ten requests of a fresh process are answered',
  async (t) => {
    const quota = quotaOf(0.25)
    if (!quota) {
      t.log('SKIPPED: no control group can be made here, and there is no cpulimit')
      return t.pass()
    }
    t.teardown(() => quota.end())
    const { url, prefix } = redis()
    const wechat = startWechat(t)
    const logins = await makeLogins(wechat, 10)

    const server = await startSlow(t, { wechat, redis: { url, prefix }, quota })
    const statuses = await Promise.all(logins.map((headers) => statusOf(server.url, headers)))

    isServed(t, statuses, server.stderr())
  },
)

test('redisStore({ url }): it begins to connect when it is made', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  const store = redisStore({ url: own.url })
  t.teardown(() => store.close?.())

  await until(() => own.use(async (client) => (await client.clientList()).length === 2))
  t.pass()
})

test('connectTimeout: first requests wait for a Redis that comes a little later', async (t) => {
  const port = await freePort()
  const store = redisStore({ url: `redis://127.0.0.1:${port}`, timeout: 250, connectTimeout: 8000 })
  const { send, wechat } = await startServer(t, { store })

  const headers = await codeLoginHeaders(wechat.phone())
  const sent = [1, 2, 3].map(() => send(headers))
  await sleep(700)
  const own = await startRedis(port)
  t.teardown(() => own.stop())

  for (const { status } of await Promise.all(sent)) t.is(status, 200)
})

test('connectTimeout: first requests get 503 when it is over, and later ones at once', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  own.server.kill('SIGSTOP')
  const store = redisStore({ url: own.url, connectTimeout: 500 })
  const { send, wechat } = await startServer(t, { store })
  const headers = await codeLoginHeaders(wechat.phone())

  const began = performance.now()
  for (const response of await Promise.all([1, 2, 3].map(() => send(headers))))
    isRefused(t, response, 'ERR_STORE_UNAVAILABLE', 503)
  const first = performance.now() - began
  isRefused(t, await send(headers), 'ERR_STORE_UNAVAILABLE', 503)
  const second = performance.now() - began - first

  t.true(first >= 490, `${first} ms`)
  t.true(second < first, `${second} ms`)
  own.server.kill('SIGCONT')
  await until(async () => (await send(await codeLoginHeaders(wechat.phone()))).status === 200)
})

test.serial('connectTimeout: time in which the process cannot run does not count', async (t) => {
  const store = redisStore({ ...redis().options, timeout: 50, connectTimeout: 100 })
  t.teardown(() => store.close?.())
  const reading = store.read('nobody')
  for (let n = 0; n < 3; n++) {
    await new Promise((resolve) => setImmediate(resolve))
    busy(300)
  }

  t.is(await reading, undefined)
})

test('redisStore({ client }): a client that is not connected is left alone until the first call', async (t) => {
  const { url, prefix } = redis()
  const client = createClient({ url }).on('error', () => {})
  const store = redisStore({ client, prefix, timeout: 5000 })
  await sleep(50)
  t.false(client.isOpen)

  await t.notThrowsAsync(client.connect())
  t.teardown(() => client.destroy())

  t.is(await store.read('nobody'), undefined)
})

for (const [what, target] of Object.entries({
  'with Redis there': () => redis().url,
  'with Redis absent': async () => `redis://127.0.0.1:${await freePort()}`,
  'with a Redis that says nothing': silentPort,
})) {
  test(`redisStore({ url }): a store that nobody uses lets the process end, ${what}, and warns at most once`, async (t) => {
    const { code, stderr } = await runScript(t, `redisStore({ url: '${await target(t)}' })`)

    t.is(code, 0, stderr)
    const warnings = stderr.match(/WeappSessionWarning/g) ?? []
    t.is(warnings.length, what === 'with Redis absent' ? 1 : 0, stderr)
  })
}

test('redisStore({ url }): a store that is used keeps the process until it has answered', async (t) => {
  const { code, stderr } = await runScript(
    t,
    `const store = redisStore({ url: '${redis().url}' })
     await new Promise((resolve) => setTimeout(resolve, 300))
     if ((await store.read('nobody')) !== undefined) process.exit(2)
     await store.close()`,
  )
  t.is(code, 0, stderr)
})

test('redisStore({ url }): a connection that was lost before anybody needed it is made anew for the first call', async (t) => {
  const own = await startRedis()
  const store = redisStore({ url: own.url })
  t.teardown(() => store.close?.())
  await until(() => own.use(async (client) => (await client.clientList()).length === 2))
  own.server.kill('SIGKILL')
  await once(own.server, 'exit')
  await sleep(200)
  const again = await startRedis(own.port, own.dir)
  t.teardown(() => again.stop())

  t.is(await store.read('nobody'), undefined)
})

test('close(): who waits for the first connection then, and who asks later, gets an error', async (t) => {
  const store = redisStore({ url: `redis://127.0.0.1:${await freePort()}`, connectTimeout: 5000 })
  const waiting = Promise.allSettled([store.read('nobody'), store.read('nobody')])
  await sleep(100)

  await store.close?.()

  for (const { status } of await waiting) t.is(status, 'rejected')
  for (let n = 0; n < 2; n++) await t.throwsAsync(store.read('nobody'))
})

test('ready(): it resolves when the store answers, without a request', async (t) => {
  const port = await freePort()
  const { session } = await startServer(t, { store: redisStore({ url: `redis://127.0.0.1:${port}` }) })
  const ready = session.ready()
  await sleep(300)
  const own = await startRedis(port)
  t.teardown(() => own.stop())

  await t.notThrowsAsync(ready)
  const inMemory = await startServer(t)
  await t.notThrowsAsync(inMemory.session.ready({ timeout: 50 }))
})

test('ready(): it rejects with the cause when the store does not answer in time', async (t) => {
  const port = await freePort()
  const { session } = await startServer(t, { store: redisStore({ url: `redis://127.0.0.1:${port}` }) })

  const error = await t.throwsAsync(session.ready({ timeout: 300 }), { message: /ECONNREFUSED/ })

  t.regex(String((error?.cause as Error | undefined)?.message), /ECONNREFUSED/)
  await t.throwsAsync(session.ready({ timeout: -1 }), { instanceOf: TypeError, message: /ready\(\{ timeout/ })
})

/** A port on which connections are taken, and nothing is said. */
async function silentPort(t: ExecutionContext): Promise<string> {
  const own = await startRedis()
  t.teardown(() => own.stop())
  own.server.kill('SIGSTOP')
  return own.url
}

function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
