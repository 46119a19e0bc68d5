import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { type Breaker, breaker } from '../src/util/breaker.js'
import { isRefused, startServer } from './support/server.js'
import { codeLoginHeaders } from './support/wechat.js'

const COOL_DOWN = 100

/** A little longer: a timer of whole ms may come before as many have passed by the finer clock. */
const coolDown = () => sleep(COOL_DOWN + 10)

test('breaker(): after ten failures it rejects all calls, until one test call succeeds', async (t) => {
  const circuit = await opened()
  t.is(circuit.attempt(asksNothing), undefined)

  await coolDown()
  let answer = () => {}
  const first = circuit.attempt((ask) => ask(() => new Promise<void>((resolve) => (answer = resolve))))
  t.truthy(first)
  t.is(circuit.attempt(asksNothing), undefined)
  answer()
  await first

  t.truthy(circuit.attempt(asksNothing))
  t.is(await circuit.run(async () => 'another'), 'another')
})

test('breaker(): a test call that fails keeps it open for another cool-down', async (t) => {
  const circuit = await opened()
  await coolDown()

  await t.throwsAsync(circuit.run(failing))

  t.is(circuit.attempt(asksNothing), undefined)
  await coolDown()
  t.truthy(circuit.attempt(asksNothing))
})

test('breaker(): a permit that is not used goes to the next call', async (t) => {
  const circuit = await opened()
  await coolDown()

  await circuit.attempt(asksNothing)

  t.truthy(circuit.attempt(asksNothing))
})

test('breaker(): work that throws synchronously counts as a failure', async (t) => {
  const circuit = await opened()
  await coolDown()

  await t.throwsAsync(
    circuit.run(() => {
      throw new Error('at once')
    }),
  )

  t.is(circuit.attempt(asksNothing), undefined)
  await coolDown()
  t.is(await circuit.run(async () => 'well'), 'well')
})

test('X-WX-Code: a code that was not sent because the breaker was open may be sent again', async (t) => {
  const { send, wechat } = await startServer(t)
  const mend = wechat.fail({ status: 500 }, { times: 12 })
  for (let n = 0; n < 12; n++) await send(await codeLoginHeaders(wechat.phone()))
  mend()
  await sleep(2100)
  const sentBefore = wechat.exchanges
  wechat.fail({ delay: 200 })
  const logins = await Promise.all(Array.from({ length: 20 }, () => codeLoginHeaders(wechat.phone())))

  const first = await Promise.all(logins.map((headers) => send(headers)))

  t.is(wechat.exchanges - sentBefore, 1)
  const refused = first.filter(({ status }) => status !== 200)
  t.is(refused.length, 19)
  for (const response of refused) isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
  const second = await Promise.all(logins.map((headers) => send(headers)))
  t.deepEqual(new Set(second.map(({ status }) => status)), new Set([200]))
})

async function asksNothing(): Promise<void> {}

async function opened(): Promise<Breaker> {
  const circuit = breaker({
    of: 'store',
    isFailure: () => true,
    window: 1000,
    share: 0.9,
    coolDown: COOL_DOWN,
  })
  for (let n = 0; n < 10; n++) await circuit.run(failing).catch(() => {})
  return circuit
}

async function failing(): Promise<never> {
  throw new Error('on purpose')
}
