import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { deadline } from '../src/util/deadline.js'
import { useRedis, withClient } from './support/redis.js'

const redis = useRedis(test)

test('deadline(): a result that is late is an error, and the result itself is ignored', async (t) => {
  let fail = (_: Error) => {}
  const work = new Promise<string>((_, reject) => {
    fail = reject
  })
  const began = performance.now()

  await t.throwsAsync(deadline(50, work, late), { message: 'late' })
  fail(new Error('nobody hears of this'))
  await sleep(10)

  t.true(performance.now() - began >= 50)
})

test('deadline(): an answer that has arrived while the process was busy is in time', async (t) => {
  await withClient(redis().url, async (client) => {
    await client.ping()

    const answer = deadline(30, client.ping(), late)
    // Written first, then nothing is read until long after the deadline.
    setImmediate(() => setImmediate(() => setImmediate(() => busy(100))))

    t.is(await answer, 'PONG')
  })
})

test('deadline(): a failure in time is passed on', async (t) => {
  await t.throwsAsync(deadline(1000, Promise.reject(new Error('no')), late), { message: 'no' })
})

function late(): Error {
  return new Error('late')
}

function busy(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
