import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { type Breaker, breaker } from '../src/util/breaker.js'
import { isRefused, startServer } from './support/server.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

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
  // For longer than a busy machine takes to send all of them.
  wechat.fail({ delay: 1000 })
  const logins = await Promise.all(Array.from({ length: 20 }, () => codeLoginHeaders(wechat.phone())))

  const first = await Promise.all(logins.map((headers) => send(headers)))

  t.is(wechat.exchanges - sentBefore, 1)
  const refused = first.filter(({ status }) => status !== 200)
  t.is(refused.length, 19)
  for (const response of refused) isRefused(t, response, 'ERR_SESSION_KEY_EXCHANGE_FAILED', 502)
  const second = await Promise.all(logins.map((headers) => send(headers)))
  t.deepEqual(new Set(second.map(({ status }) => status)), new Set([200]))
})

/** What WeChat, or something before it, may answer to a code that somebody has made up. */
const ODD: Record<string, () => Promise<globalThis.Response>> = {
  'a page': async () => new globalThis.Response('<html>blocked</html>'),
  'a 403 of a firewall': async () => new globalThis.Response('<html>blocked</html>', { status: 403 }),
  'a 500': async () => new globalThis.Response('', { status: 500 }),
  'half of its JSON': async () => new globalThis.Response('{"session_key":"'),
  'a JSON of another kind': async () => new globalThis.Response('{"ok":true}'),
  'busy (-1)': async () => new globalThis.Response('{"errcode":-1,"errmsg":"system error"}'),
  'a connection that breaks': async () => {
    throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } })
  },
}

for (const [what, answerOddly] of Object.entries(ODD)) {
  test(`X-WX-Code: made-up codes that are answered with ${what} keep nobody from logging in`, async (t) => {
    const weixin = startWechat(t)
    const { send } = await startServer(t, {
      weixin,
      wechat: {
        fetch: async (url, init) =>
          String(url).includes('js_code=odd') ? answerOddly() : weixin.fetch(String(url), init),
      },
    })
    const logIn = async () => (await send(await codeLoginHeaders(weixin.phone()))).status
    const oddLogin = async (n: number) =>
      (await send({ 'X-WX-Code': `odd-${n}`, 'X-WX-Login': 'code' })).status

    for (let round = 0; round < 5; round++) {
      const odd = await Promise.all(Array.from({ length: 30 }, (_, n) => oddLogin(100 * round + n)))
      t.deepEqual(new Set(odd), new Set([502]))
      t.is(await logIn(), 200)
    }
  })
}

test('X-WX-Code: after an outage, a made-up code that is answered oddly does not prolong it', async (t) => {
  const weixin = startWechat(t)
  const { send } = await startServer(t, {
    weixin,
    wechat: {
      fetch: async (url, init) =>
        String(url).includes('js_code=odd')
          ? new globalThis.Response('', { status: 500 })
          : weixin.fetch(String(url), init),
    },
  })
  const mend = weixin.fail({ status: 503 }, { times: Number.POSITIVE_INFINITY })
  for (let n = 0; n < 12; n++) await send(await codeLoginHeaders(weixin.phone()))
  mend()
  await sleep(2100)

  t.is((await send({ 'X-WX-Code': 'odd', 'X-WX-Login': 'code' })).status, 502)

  t.is((await send(await codeLoginHeaders(weixin.phone()))).status, 200)
})

test('breaker(): a question that is still asked when it opens for another reason keeps it half-open for nobody', async (t) => {
  let answer = (_: boolean) => {}
  const circuit = breaker({
    of: 'wechat',
    isFailure: () => true,
    isOdd: (error) => error instanceof RangeError,
    isDown: () =>
      new Promise((resolve) => {
        answer = resolve
      }),
    window: 1000,
    share: 0.5,
    coolDown: COOL_DOWN,
  })
  const odd = () => circuit.run(() => Promise.reject(new RangeError())).catch(() => {})
  for (let n = 0; n < 10; n++) await odd()
  await circuit.run(failing).catch(() => {})
  t.is(circuit.attempt(asksNothing), undefined)
  await coolDown()
  await odd()

  answer(false)
  await sleep(1)

  t.is(await circuit.run(async () => 'well'), 'well')
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
