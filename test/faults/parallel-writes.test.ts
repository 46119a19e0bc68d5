import test from 'ava'
import { startProcesses } from '../support/processes.js'
import { useRedis } from '../support/redis.js'
import { codeLoginHeaders, codeOnly, startWechat } from '../support/wechat.js'

const redis = useRedis(test)

/** `WEAPP_ROUNDS=200` takes 20 seconds. */
const ROUNDS = Number(process.env.WEAPP_ROUNDS ?? 50)
const AT_ONCE = 20

test.serial(
  'data: 20 writes at a time of different keys, over two processes: nothing is lost, nobody is refused',
  async (t) => {
    const { write, read } = await start(t)

    for (let round = 0; round < ROUNDS; round++) {
      const answers = await together((n) => write(n, `key${n}=${round}&ms=${n % 5}`))
      t.deepEqual(new Set(answers), new Set([200]), `round ${round}`)
    }

    const expected = Object.fromEntries(
      Array.from({ length: AT_ONCE }, (_, n) => [`key${n}`, `${ROUNDS - 1}`]),
    )
    t.deepEqual(await read(), expected)
  },
)

test.serial(
  'data: 20 writes at a time of one key, over two processes: one wins, the others are told',
  async (t) => {
    const { write, read } = await start(t)
    let won = 0

    for (let round = 0; round < ROUNDS; round++) {
      // Each waits, so that all have read before the first one writes.
      const answers = await together((n) => write(n, `key=${round}-${n}&ms=15`))
      t.deepEqual(
        answers.filter((status) => status !== 200 && status !== 409),
        [],
        `round ${round}`,
      )
      const winners = answers.flatMap((status, n) => (status === 200 ? [`${round}-${n}`] : []))
      t.true(winners.length > 0)
      const { key } = await read()
      t.true(winners.includes(String(key)), `${key} is not of ${winners}`)
      won += winners.length
    }

    t.log(`${won} of ${ROUNDS * AT_ONCE} writes won`)
  },
)

async function start(t: Parameters<typeof startWechat>[0]) {
  const wechat = startWechat(t)
  const { url, prefix } = redis()
  const servers = await startProcesses(t, 2, { wechat, store: { url, prefix, timeout: 2000 } })
  const headers = await codeLoginHeaders(wechat.phone())
  await servers[0]?.send(headers)
  const ask = async (n: number, path: string) => servers[n % 2]?.send(codeOnly(headers), path)
  return {
    write: async (n: number, query: string) => (await ask(n, `/put?${query}`))?.status,
    read: async (): Promise<Record<string, unknown>> => (await ask(0, '/'))?.body.data,
  }
}

function together<T>(work: (n: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, n) => work(n)))
}
