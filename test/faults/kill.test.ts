import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { redisStore } from '../../src/index.js'
import { startProcess, startProcesses } from '../support/processes.js'
import { useRedis } from '../support/redis.js'
import { isRefused, startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, startWechat } from '../support/wechat.js'

const redis = useRedis(test)

/** ms for an exchange; the lease is a second longer. */
const EXCHANGE = 3000

test.serial(
  'X-WX-Code: 50 parallel first requests over four processes: one exchange, 50 answers',
  async (t) => {
    const wechat = startWechat(t)
    const servers = await startProcesses(t, 4, { wechat, store: redis().options })
    for (const round of ['a', 'b', 'c']) {
      const before = wechat.exchanges
      wechat.fail({ delay: 100 })
      const headers = await loginHeaders(namedPhone(wechat, round))

      const requests = Array.from({ length: 50 }, (_, n) => servers[n % 4]?.send(headers))
      const responses = await Promise.all(requests)

      t.deepEqual(new Set(responses.map((response) => response?.status)), new Set([200]))
      t.is(new Set(responses.map((response) => response?.body.pid)).size, 4)
      t.is(wechat.exchanges - before, 1)
    }
  },
)

test.serial(
  'X-WX-Code: a process killed while it exchanges: others wait no longer than the lease, and never exchange',
  async (t) => {
    const wechat = startWechat(t)
    const settings = { wechat, store: redis().options, exchangeTimeout: EXCHANGE }
    const [victim, other] = [await startProcess(t, settings), await startProcess(t, settings)]
    wechat.fail('hang')
    const headers = await codeLoginHeaders(wechat.phone())

    const lost = victim.send(headers).then(
      () => 'answered',
      () => 'cut',
    )
    await until(() => wechat.exchanges === 1)
    victim.kill('SIGKILL')
    const began = performance.now()
    const waiting = await Promise.all([
      other.send(headers),
      other.send(codeOnly(headers)),
      other.send(headers),
    ])
    const waited = performance.now() - began
    const later = await other.send(headers)

    t.is(await lost, 'cut')
    isRefused(t, waiting[0], 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
    isRefused(t, waiting[1], 'ERR_SESSION_EXPIRED', 401)
    isRefused(t, waiting[2], 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
    isRefused(t, later, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
    t.is(wechat.exchanges, 1)
    t.true(waited < 5000, `${waited} ms`)
    t.log(`others waited ${Math.round(waited)} ms`)
  },
)

test.serial(
  'revoke(): one whose process died half-way is finished by the next login of the user',
  async (t) => {
    const own = redis()
    const { send, wechat, session } = await startServer(t, { store: redisStore(own.options) })
    const [old, fresh] = [
      await codeLoginHeaders(wechat.phone('alice')),
      await codeLoginHeaders(wechat.phone('alice')),
    ]
    await send(old)
    const values = (await own.entries()).filter(({ value }) => /^\d/.test(value))
    await session.revoke(wechat.user('alice').openId)
    // As if the process had died after its first command: the user is marked, and the session is still there.
    await undo(t, own, values)
    t.is((await send(codeOnly(old))).status, 200)

    t.is((await send(fresh)).status, 200)

    isRefused(t, await send(codeOnly(old)), 'ERR_SESSION_EXPIRED', 401)
    t.is((await send(codeOnly(fresh))).status, 200)
  },
)

test.serial('revoke(): a Redis whose clock is set back locks nobody out who was revoked', async (t) => {
  const own = redis()
  const { send, wechat, session } = await startServer(t, { store: redisStore(own.options) })
  await session.revoke(wechat.user('alice').openId)
  const hash = (await own.entries()).find(({ value }) => value.includes('revoked'))
  const inAnHour = String((Date.now() + 3_600_000) * 1000)
  await own.use((client) => client.hSet(hash?.key ?? '', 'revoked', inAnHour))
  const logIn = async () => (await send(await codeLoginHeaders(wechat.phone('alice')))).status

  // The first login says what time it is now; whether it began before, nobody can tell any more.
  const first = await logIn()
  await sleep(20)

  t.true([200, 401].includes(first))
  t.is(await logIn(), 200)
})

test.serial(
  'maxSessionsPerUser: with one session for each user, twenty parallel logins over two processes leave exactly one',
  async (t) => {
    const wechat = startWechat(t)
    const options = { maxSessionsPerUser: 1 }
    const servers = await startProcesses(t, 2, { wechat, store: redis().options, options })
    const headers = await Promise.all(
      Array.from({ length: 20 }, () => codeLoginHeaders(wechat.phone('alice'))),
    )

    await Promise.all(headers.map((one, n) => servers[n % 2]?.send(one)))
    const later = await Promise.all(headers.map((one, n) => servers[n % 2]?.send(codeOnly(one))))

    const statuses = later.map((response) => response?.status).sort()
    t.deepEqual(statuses, [200, ...Array(19).fill(401)])
  },
)

/** Puts sessions back that a revocation has ended. */
async function undo(
  t: ExecutionContext,
  own: ReturnType<typeof redis>,
  sessions: { key: string; value: string }[],
): Promise<void> {
  const user = (await own.entries()).find(({ value }) => value.includes('revoked'))
  t.true(sessions.length > 0 && user !== undefined)
  await own.use(async (client) => {
    for (const { key, value } of sessions) {
      await client.set(key, value)
      const id = key.slice(key.lastIndexOf(':') + 1)
      await client.hSet(user?.key ?? '', id, '0')
    }
  })
}
