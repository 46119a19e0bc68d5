import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { createSlots, type Slots } from '../src/wechat/slots.js'

/** Work that ends when it is told to, and what has begun so far. */
function workshop(turns: Slots) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const work = (name: string) => () =>
    new Promise<string>((resolve) => {
      begun.push(name)
      ends.set(name, () => resolve(name))
    })
  return {
    begun,
    exchange: (name: string) => turns.exchange(work(name)),
    call: (name: string, openId?: string) => turns.call(work(name), openId),
    async end(name: string): Promise<void> {
      ends.get(name)?.()
      await sleep(0)
    },
  }
}

test('logins: so many at a time, as many again in line, the rest is not taken', async (t) => {
  const { begun, exchange, end } = workshop(createSlots(2))

  const taken = ['a', 'b', 'c', 'd', 'e'].map(exchange)

  t.deepEqual(
    taken.map((turn) => turn !== undefined),
    [true, true, true, true, false],
  )
  t.deepEqual(begun, ['a', 'b'])
  await end('b')
  t.deepEqual(begun, ['a', 'b', 'c'])
  for (const name of ['a', 'c', 'd']) await end(name)
  t.deepEqual(await Promise.all(taken.slice(0, 4)), ['a', 'b', 'c', 'd'])
})

test('createSlots(): other calls get half at most, and logins get the rest at once', (t) => {
  const { begun, exchange, call } = workshop(createSlots(5))

  const taken = ['a', 'b', 'c', 'd', 'e'].map((name) => call(name))
  for (const name of ['1', '2', '3', '4']) exchange(name)

  t.deepEqual(begun, ['a', 'b', '1', '2', '3'])
  t.is(taken.filter(Boolean).length, 4)
})

test('createSlots(): logins may have every slot, and other calls wait for one of them', async (t) => {
  const { begun, exchange, call, end } = workshop(createSlots(2))
  for (const name of ['1', '2', '3']) exchange(name)
  call('a')

  await end('1')
  t.deepEqual(begun, ['1', '2', '3'], 'who came first')
  await end('2')
  t.deepEqual(begun, ['1', '2', '3', 'a'])
})

test('createSlots(): a user gets three at a time and three that wait, which hold up nobody else', async (t) => {
  const { begun, call, end } = workshop(createSlots(20))
  const taken = Array.from({ length: 10 }, (_, n) => call(`mallory ${n}`, 'mallory'))
  call('alice', 'alice')

  t.deepEqual(begun, ['mallory 0', 'mallory 1', 'mallory 2', 'alice'])
  t.is(taken.filter(Boolean).length, 6)
  await end('mallory 1')
  t.is(begun.at(-1), 'mallory 3')
  // One has ended, so one may wait again.
  t.truthy(call('mallory again', 'mallory'))
  t.is(call('mallory and again', 'mallory'), undefined)
})

test('createSlots(): calls without a user count under the total alone', (t) => {
  const { begun, call } = workshop(createSlots(20))

  const taken = Array.from({ length: 21 }, (_, n) => call(`${n}`))

  t.is(begun.length, 10)
  t.is(taken.filter(Boolean).length, 20)
})

test('createSlots(): work that fails, or throws before there is a promise, gives its slot back', async (t) => {
  const turns = createSlots(1)
  const failing = [
    () => Promise.reject(new Error('later')),
    () => {
      throw new Error('at once')
    },
  ]

  for (const work of failing) {
    await t.throwsAsync(turns.exchange(work) ?? Promise.resolve())
    await t.throwsAsync(turns.call(work, 'alice') ?? Promise.resolve())
  }

  t.is(await turns.exchange(async () => 'well'), 'well')
  t.is(await turns.call(async () => 'well', 'alice'), 'well')
})

test('createSlots(): one slot is enough for both', async (t) => {
  const { begun, exchange, call, end } = workshop(createSlots(1))
  call('a', 'alice')
  exchange('1')
  call('b', 'alice')

  for (const name of ['a', '1', 'b']) await end(name)

  t.deepEqual(begun, ['a', '1', 'b'])
})

test('createSlots(): thousands in any order: never more than allowed, and all who were taken are done', async (t) => {
  const turns = createSlots(10)
  const now = { total: 0, calls: 0, users: new Map<string, number>() }
  const most = { total: 0, calls: 0, user: 0 }
  const work = (openId?: string) => async () => {
    const count = (by: number) => {
      now.total += by
      if (openId === undefined) return
      now.calls += by
      now.users.set(openId, (now.users.get(openId) ?? 0) + by)
    }
    count(1)
    most.total = Math.max(most.total, now.total)
    most.calls = Math.max(most.calls, now.calls)
    most.user = Math.max(most.user, now.users.get(openId ?? '') ?? 0)
    await sleep(Math.random() * 3)
    count(-1)
    if (Math.random() < 0.2) throw new Error('some fail')
  }

  const taken: Promise<void>[] = []
  for (let n = 0; n < 5000; n++) {
    const user = `user ${Math.floor(Math.random() ** 3 * 20)}`
    const turn = Math.random() < 0.4 ? turns.exchange(work()) : turns.call(work(user), user)
    if (turn) taken.push(turn)
    // Now and then many come at once, so that the limits are reached on a slow machine too.
    if (n % 5 === 0 && n % 50 >= 25) await sleep(0)
  }
  await Promise.allSettled(taken)

  t.true(taken.length > 500, `${taken.length}`)
  t.deepEqual([most, now.total], [{ total: 10, calls: 5, user: 3 }, 0])
  t.is(await turns.call(async () => 'free', 'user 0'), 'free')
})
