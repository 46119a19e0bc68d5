import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type Koa from 'koa'
import supertest, { type Response } from 'supertest'
import { type Accounts, createAccounts } from '../examples/account-binding/accounts.js'
import { createGuesses } from '../examples/account-binding/guesses.js'
import type { Phone, Wechat } from '../simulator/src/index.js'
import { redisStore, type SessionStore, type WeappSessionOptions } from '../src/index.js'
import { makePasswordsCheap } from './support/cheap-passwords.js'
import { outputUntil } from './support/output-until.js'
import { takeDate } from './support/own-date.js'
import { namesAreSources, sourcesByName } from './support/package-names.js'
import { useRedis } from './support/redis.js'
import { isRefused, listen } from './support/server.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

makePasswordsCheap()

// Examples import the package by its name, as its users do. Here that is the sources.
namesAreSources()

interface Example {
  createApp(options: WeappSessionOptions & { accounts: Accounts; key: string }): Koa
}

const root = fileURLToPath(new URL('..', import.meta.url))
const { createApp }: Example = await import(`${root}examples/account-binding/app.ts`)
const redis = useRedis(test)

const ALICES = { phone: '13800000000', password: 'correct horse' }
const BOBS = { phone: '13900000000', password: 'battery staple' }

test.serial('POST /bind: a user who bound an account has it in every process', async (t) => {
  const { one, other, device, accountId } = await start(t)
  const phone = await device('alice')
  t.deepEqual((await phone.send('get', '/account')).body, { bound: false })

  const response = await phone.send('post', '/bind', ALICES)

  t.deepEqual([response.status, response.body], [200, { bound: true, accountId }])
  for (const url of [one, other]) {
    const { body } = await phone.send('get', '/account', undefined, url)
    t.deepEqual(body, { bound: true, accountId })
  }
})

test.serial(
  'POST /bind: a login after the binding knows the account at once, in either process',
  async (t) => {
    const { other, device, accountId } = await start(t)
    await (await device('alice')).send('post', '/bind', ALICES)

    const tablet = await device('alice', other)

    t.deepEqual((await tablet.send('get', '/account')).body, { bound: true, accountId })
    t.deepEqual((await (await device('bob')).send('get', '/account')).body, { bound: false })
  },
)

test.serial(
  'POST /bind: other sessions of the user are refused once, log in again, and know the account',
  async (t) => {
    const { one, other, device, accountId } = await start(t)
    const [phone, tablet] = [await device('alice'), await device('alice', other)]

    await phone.send('post', '/bind', ALICES)

    for (const url of [one, other]) {
      const { status, headers } = await tablet.send('get', '/account', undefined, url)
      t.deepEqual([status, headers['x-wx-session-error']], [401, 'ERR_SESSION_EXPIRED'])
    }
    await tablet.logIn()
    t.deepEqual((await tablet.send('get', '/account')).body, { bound: true, accountId })
  },
)

test.serial(
  'POST /bind: a wrong password binds nothing, and says no more than an unknown phone number',
  async (t) => {
    const { device } = await start(t)
    const phone = await device('alice')
    const before = phone.session

    const wrong = await phone.send('post', '/bind', { ...ALICES, password: BOBS.password })
    const unknown = await phone.send('post', '/bind', { ...ALICES, phone: '13700000000' })

    t.deepEqual([wrong.status, unknown.status], [403, 403])
    t.is(wrong.text, unknown.text)
    t.is(phone.session, before)
    t.deepEqual((await phone.send('get', '/account')).body, { bound: false })
  },
)

test.serial(
  'POST /bind: a session credential that was known before the binding is refused after it',
  async (t) => {
    const { one, other, wechat, device } = await start(t)
    const phone = await device('alice')
    const thief = { ...phone }
    const stolenLogin = phone.login
    const tablet = await device('alice')
    const thiefOfTablet = { ...tablet }

    await phone.send('post', '/bind', ALICES)

    t.not(phone.session, thief.session)
    for (const url of [one, other]) {
      for (const { session } of [thief, thiefOfTablet]) {
        for (const [method, path] of [
          ['get', '/account'],
          ['post', '/bind'],
          ['delete', '/bind'],
        ] as const) {
          const request = supertest(url)[method](path).set('X-WX-Session', session)
          const { status, headers } = await request.send(method === 'post' ? BOBS : undefined)
          t.deepEqual([status, headers['x-wx-session-error']], [401, 'ERR_SESSION_EXPIRED'])
        }
      }
      // Nor does the code of the login give another one.
      isRefused(t, await supertest(url).get('/account').set(stolenLogin), 'ERR_SESSION_EXPIRED', 401)
    }
    t.is((await phone.send('get', '/account')).status, 200)
    t.is(wechat.exchanges, 2)
  },
)

test.serial('POST /bind: a WeChat user has one account, and an account one WeChat user', async (t) => {
  const { device, accountId } = await start(t)
  const [alice, bob] = [await device('alice'), await device('bob')]
  await alice.send('post', '/bind', ALICES)

  const second = await alice.send('post', '/bind', BOBS)
  const taken = await bob.send('post', '/bind', ALICES)

  t.deepEqual([second.status, taken.status], [409, 409])
  t.is((await alice.send('get', '/account')).body.accountId, accountId)
  t.deepEqual((await bob.send('get', '/account')).body, { bound: false })
})

test.serial('POST /bind: of two bindings at the same moment, in two processes, one succeeds', async (t) => {
  const { one, other, device } = await start(t)
  const users = await Promise.all([device('alice', one), device('bob', other), device('carol', one)])
  const twice = await device('bob', one)

  const responses = await Promise.all([
    ...users.map((user) => user.send('post', '/bind', ALICES)),
    twice.send('post', '/bind', ALICES),
  ])

  const bound = responses.filter(({ status }) => status === 200)
  t.is(bound.length, 1, responses.map(({ status }) => status).join())
  t.true(responses.every(({ status }) => [200, 409, 401].includes(status)))
})

test.serial(
  'POST /bind: after five wrong passwords for one phone number, over all processes, it takes no more',
  async (t) => {
    const { one, other, device } = await start(t)
    const guessers = await Promise.all(['mallory', 'mallet', 'trudy'].map((name) => device(name)))
    const guess = (n: number) =>
      guessers[n % 3]?.send('post', '/bind', { ...ALICES, password: `${n}` }, n % 2 ? one : other)

    const responses = await Promise.all(Array.from({ length: 12 }, (_, n) => guess(n)))
    const right = await (await device('alice')).send('post', '/bind', ALICES)
    const bobs = await (await device('bob')).send('post', '/bind', BOBS)

    const statuses = responses.map((response) => response?.status)
    t.is(statuses.filter((status) => status === 403).length, 5)
    t.is(statuses.filter((status) => status === 429).length, 7)
    t.is(right.status, 429)
    const wait = Number(right.get('Retry-After'))
    t.true(wait > 800 && wait <= 900, `${wait}`)
    t.is(bobs.status, 200)
  },
)

test.serial(
  'POST /bind: after five wrong attempts one WeChat user gets no more, over all phone numbers and sessions',
  async (t) => {
    const { device } = await start(t)
    const guess = async (n: number) => {
      const mallory = await device('mallory')
      return mallory.send('post', '/bind', { phone: `1370000000${n}`, password: '123456' })
    }

    const statuses: number[] = []
    for (let n = 0; n < 7; n++) statuses.push((await guess(n)).status)

    t.deepEqual(statuses, [403, 403, 403, 403, 403, 429, 429])
  },
)

test.serial(
  'POST /bind: attempts come back after their time, and right passwords do not count',
  async (t) => {
    const guesses = createGuesses({ max: 2, window: 1500 })
    for (let n = 0; n < 5; n++) {
      t.is(guesses.take(['alice']), 0)
      guesses.giveBack(['alice'])
    }
    t.is(guesses.take(['alice']), 0)
    t.is(guesses.take(['alice', 'bob']), 0)
    const wait = guesses.take(['alice', 'carol'])
    t.true(wait >= 1 && wait <= 2, `${wait}`)
    // What was not tried took nothing from anybody.
    t.deepEqual([guesses.take(['carol']), guesses.take(['carol'])], [0, 0])

    takeDate(t).pass(1600)

    t.is(guesses.take(['alice']), 0)
  },
)

test.serial(
  'DELETE /bind: unbinding ends every session of the user, everywhere, and the next login has no account',
  async (t) => {
    const { one, other, device } = await start(t)
    const [phone, bob] = [await device('alice'), await device('bob')]
    await phone.send('post', '/bind', ALICES)
    const tablet = await device('alice', other)

    const response = await tablet.send('delete', '/bind')

    t.deepEqual([response.status, response.body], [200, { bound: false }])
    for (const url of [one, other]) {
      for (const each of [phone, tablet]) {
        isRefused(t, await each.send('get', '/account', undefined, url), 'ERR_SESSION_EXPIRED', 401)
      }
    }
    await phone.logIn()
    t.deepEqual((await phone.send('get', '/account')).body, { bound: false })
    t.is((await bob.send('get', '/account')).status, 200)
    // Another account may be bound then, and theirs by somebody else.
    t.is((await phone.send('post', '/bind', BOBS)).status, 200)
    t.is((await bob.send('post', '/bind', ALICES)).status, 200)
  },
)

test.serial('DELETE /bind: it unbinds nothing when it cannot end the sessions', async (t) => {
  let isAway = false
  const { device } = await start(t, (store) => ({
    ...store,
    revoke: (user) => (isAway ? Promise.reject(new Error('away')) : store.revoke(user)),
  }))
  const phone = await device('alice')
  await phone.send('post', '/bind', ALICES)

  isAway = true
  const failed = await phone.send('delete', '/bind')
  const meanwhile = await phone.send('get', '/account')
  isAway = false

  t.deepEqual([failed.status, failed.get('X-WX-Session-Error')], [503, 'ERR_STORE_UNAVAILABLE'])
  t.is(meanwhile.body.bound, true)
  t.is((await phone.send('delete', '/bind')).status, 200)
})

test.serial(
  'POST /bind: it refuses requests without a user, and bodies without a phone number and password',
  async (t) => {
    const { one, device } = await start(t)
    const phone = await device('alice')

    isRefused(t, await supertest(one).post('/bind').send(ALICES), 'ERR_LOGIN_REQUIRED', 401)
    for (const body of ['', '{', 'null', '[]', '{"phone":"13800000000"}', '{"phone":1,"password":2}']) {
      const { status } = await supertest(one).post('/bind').set('X-WX-Session', phone.session).send(body)
      t.is(status, 400, body)
    }
    const endless = await phone.send('post', '/bind', { ...ALICES, password: 'x'.repeat(2000) })
    t.is(endless.status, 413)
  },
)

test.serial('npm run example:account-binding: one command shows all of it', async (t) => {
  const child = spawn(process.execPath, [...sourcesByName(), 'examples/account-binding/main.ts'], {
    cwd: root,
    env: { ...process.env, PORT: '0' },
  })
  t.teardown(() => child.kill('SIGKILL'))
  const output = await outputUntil(child, 'Ctrl+C ends it')

  const outcomes = [...output.matchAll(/→ (\d{3}.*)$/gm)].map(([, outcome = '']) => {
    return outcome.replace(/,"accountId":"[\w-]{36}"/, ' known')
  })
  t.deepEqual(
    outcomes.map((outcome) => outcome.replace(/^(403|409) .*/, '$1')),
    [
      ...['200 {"bound":false}', '200 {"bound":false}', '403', '200 {"bound":true known}'],
      ...['200 {"bound":true known}', '401 ERR_SESSION_EXPIRED', '200 {"bound":true known}', '409'],
      ...['200 {"bound":false}', '200 {"bound":false}'],
    ],
    output,
  )
})

/** A phone, and what its mini program was given. */
interface Device {
  session: string
  /** The headers of its last login. */
  login: Record<string, string>
  logIn(): Promise<void>
  send(method: 'get' | 'post' | 'delete', path: string, data?: object, url?: string): Promise<Response>
}

interface Started {
  one: string
  other: string
  wechat: Wechat
  /** Alice's. */
  accountId: string
  device(user: string, url?: string): Promise<Device>
}

/** Two servers, each with a store of its own on the same Redis, and the table of accounts that they share. */
async function start(
  t: ExecutionContext,
  dressed: (store: SessionStore) => SessionStore = (store) => store,
): Promise<Started> {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  // The passwords keep the machine busy; so does what else is running.
  const options = { ...redis().options, timeout: 20_000 }
  const accounts = createAccounts()
  const accountId = await accounts.add(ALICES.phone, ALICES.password)
  await accounts.add(BOBS.phone, BOBS.password)

  const serve = async (): Promise<string> => {
    const store = redisStore(options)
    t.teardown(() => store.close?.())
    const rest = { store: dressed(store), accounts, key: 'a key of the tests, which is long enough' }
    const app = createApp({ appId, appSecret, wechat: { fetch, timeout: 20_000 }, ...rest })
    app.silent = true
    return listen(t, app)
  }
  const [one, other] = [await serve(), await serve()]
  return {
    ...{ one, other, wechat, accountId },
    async device(user, url = one) {
      const device = newDevice(wechat.phone(user), url)
      await device.logIn()
      return device
    },
  }
}

function newDevice(phone: Phone, home: string): Device {
  const self: Device = {
    session: '',
    login: {},

    async logIn() {
      self.login = await codeLoginHeaders(phone)
      keep(await supertest(home).get('/account').set(self.login))
    },

    async send(method, path, data, url = home) {
      const response = await supertest(url)[method](path).set('X-WX-Session', self.session).send(data)
      return keep(response)
    },
  }
  return self

  function keep(response: Response): Response {
    self.session = response.get('X-WX-Session') ?? self.session
    return response
  }
}
