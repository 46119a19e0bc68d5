/**
 * Once a handler has begun, its request is not sent again by itself, whatever the session has against it: the handler may
 * have charged somebody. Our client, and that of 2016, each against a handler that counts, and is then refused.
 */
import { randomBytes } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import { createSession } from 'weapp-session-client'
import type { Phone } from '../simulator/src/index.js'
import {
  headerCarrier,
  memoryStore,
  type SessionStore,
  WeappSessionError,
  type WxSession,
} from '../src/index.js'
import type { Reason } from '../src/protocol.js'
import { originalClient } from './support/original-client.js'
import { startServer } from './support/server.js'
import { CARRIERS, type CarrierName, KEY } from './support/visitor.js'
import { codeLoginHeaders, namedPhone } from './support/wechat.js'

/** What goes wrong beneath a handler. */
interface Trouble {
  isAway: boolean
  hasNoKeys: boolean
  /** Of every session, in other processes. */
  isOver: boolean
}

/** What a handler does after it has counted, and what it is refused with. */
interface Case {
  act(session: WxSession): Promise<unknown>
  trouble?: Partial<Trouble>
  only?: CarrierName
  status: number
  reason: Reason
  /** What lies behind a conflict: then the next request has to log in. */
  cause?: Reason
}

const JUNK = { encryptedData: randomBytes(64).toString('base64'), iv: randomBytes(16).toString('base64') }

const UNTRUSTED = { status: 400, reason: 'ERR_UNTRUSTED_RAW_DATA' } as const
const CONFLICT = { status: 409, reason: 'ERR_SESSION_CONFLICT' } as const
const AWAY = { status: 503, reason: 'ERR_STORE_UNAVAILABLE' } as const
const OVER = { only: 'jwt', trouble: { isOver: true }, ...CONFLICT, cause: 'ERR_SESSION_EXPIRED' } as const

const CASES: Record<string, Case> = {
  'decrypt() of what does not open': { act: (session) => session.decrypt(JUNK), ...UNTRUSTED },
  'decrypt() of what is no text': { act: (session) => session.decrypt({ iv: [] } as never), ...UNTRUSTED },
  'decrypt() with a key that was sealed with another appSecret': {
    act: (session) => session.decrypt(JUNK),
    trouble: { hasNoKeys: true },
    ...CONFLICT,
    cause: 'ERR_SESSION_EXPIRED',
  },
  'decrypt() while the store is away': {
    act: (session) => session.decrypt(JUNK),
    trouble: { isAway: true },
    ...AWAY,
  },
  'destroy() while the store is away': {
    act: (session) => session.destroy(),
    trouble: { isAway: true },
    ...AWAY,
  },
  'getPhoneNumber() of somebody who has just left': {
    async act(session) {
      await session.destroy()
      await session.getPhoneNumber('a-code')
    },
    ...CONFLICT,
    cause: 'ERR_LOGIN_REQUIRED',
  },
  'load() of a session that has ended elsewhere': { act: (session) => session.load(), ...OVER },
  'decrypt() in a session that has ended elsewhere': { act: (session) => session.decrypt(JUNK), ...OVER },
  'isKeyAlive() in a session that has ended elsewhere': { act: (session) => session.isKeyAlive(), ...OVER },
}

for (const [name, one] of Object.entries(CASES)) {
  for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
    if (one.only !== undefined && one.only !== carrier) continue

    test(`createSession(), ${carrier}: our client sends a POST once: ${name}`, async (t) => {
      const { url, posts, errors, disturb, phone } = await start(t, carrier, one)
      const session = createSession({ baseUrl: url, wx: phone.wx, profile: 'userInfo' })
      await session.request({ url: '/' })
      const logins = phone.counts.login

      disturb()
      const error = await t.throwsAsync(() => session.request({ url: '/', method: 'POST' }), { any: true })

      t.like(error, { reason: one.reason, statusCode: one.status })
      t.is(posts(), 1)
      isExplained(t, errors[0], one)
      disturb({})
      t.is((await session.request({ url: '/' })).statusCode, 200)
      t.is(
        phone.counts.login - logins,
        one.cause ? 1 : 0,
        'a login, where one was needed, before the next request',
      )
      t.is(posts(), 1)
    })

    test(`createSession(), ${carrier}: our client repeats a GET, which it may: ${name}`, async (t) => {
      if (!one.cause) return t.pass('nothing that a repetition helps')
      const { url, disturb, phone } = await start(t, carrier, one)
      const session = createSession({ baseUrl: url, wx: phone.wx })
      await session.request({ url: '/' })

      disturb({ ...one.trouble }, 1)
      t.is((await session.request({ url: '/act' })).statusCode, 200)
    })
  }

  for (const legacyStatus of [false, true]) {
    if (one.only !== undefined) continue
    const mode = legacyStatus ? ' (legacyStatus)' : ''

    test(`codeCarrier(): the client of 2016 sends a POST once: ${name}${mode}`, async (t) => {
      const { url, posts, disturb, phone } = await start(t, 'code', one, legacyStatus)
      const request = originalClient(phone)
      const send = (method: 'GET' | 'POST') =>
        new Promise((resolve) => request({ url, method, success: resolve, fail: resolve }))
      await send('GET')

      disturb()
      await send('POST')

      t.is(posts(), 1)
    })

    test(`X-WX-Login: a POST that logs in is sent once, by both clients: ${name}${mode}`, async (t) => {
      // What troubles the store would trouble the login.
      if (one.trouble) return t.pass()
      const ours = await start(t, 'code', one, legacyStatus)
      const session = createSession({ baseUrl: ours.url, wx: ours.phone.wx, profile: 'userInfo' })
      const old = await start(t, 'code', one, legacyStatus)

      await t.throwsAsync(() => session.request({ url: '/', method: 'POST' }), { any: true })
      await new Promise((resolve) =>
        originalClient(old.phone)({ url: old.url, method: 'POST', success: resolve, fail: resolve }),
      )

      t.deepEqual([ours.posts(), old.posts()], [1, 1])
    })
  }
}

test('getPhoneNumber(): a guest who asks for a phone number: a conflict that says what to do, and that the next request logs in', async (t) => {
  const { send } = await startServer(t, {
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    async handler(ctx) {
      ctx.body = await ctx.$wxSession?.getPhoneNumber('a-code')
    },
  })

  const response = await send()

  t.is(response.status, 409)
  t.is(response.get('X-WX-Session-Error'), 'ERR_SESSION_CONFLICT')
  t.is(response.get('X-WX-Login'), 'required')
  t.regex(response.text, /requireWxUser\(\)/)
})

test('onLogin: before a handler has begun nothing of this holds: onLogin refuses as a login does', async (t) => {
  const { send, wechat } = await startServer(t, { onLogin: (session) => session.decrypt(JUNK) })

  const response = await send(await codeLoginHeaders(wechat.phone()))

  t.is(response.status, 401)
  t.is(response.get('X-WX-Session-Error'), 'ERR_UNTRUSTED_RAW_DATA')
})

test('jwt: a handler that has found its session over is the last to begin with it', async (t) => {
  const trouble = { ...CALM }
  let begun = 0
  const server = await startServer(t, {
    store: troubled({ ...memoryStore(), timeout: 250 }, trouble),
    carrier: CARRIERS.jwt(),
    handler: async (ctx) => {
      begun++
      await ctx.$wxSession?.load()
      ctx.body = ''
    },
  })
  const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
  const headers = { Authorization: `Bearer ${login.get('X-WX-Token')}` }

  trouble.isOver = true
  const statuses = [(await server.send(headers)).status, (await server.send(headers)).status]

  t.deepEqual([statuses, begun], [[409, 401], 2])
})

const CALM: Trouble = { isAway: false, hasNoKeys: false, isOver: false }

interface Started {
  url: string
  posts(): number
  errors: unknown[]
  /** What goes wrong from now on; default: what the case says. `times`: handlers that do what the case says. */
  disturb(trouble?: Partial<Trouble>, times?: number): void
  phone: Phone
}

/** A server whose handler counts POSTs, does what the case says, and is refused. */
async function start(
  t: ExecutionContext,
  carrier: CarrierName,
  one: Case,
  legacyStatus = false,
): Promise<Started> {
  const trouble = { ...CALM }
  const errors: unknown[] = []
  let posts = 0
  let left = Number.POSITIVE_INFINITY
  const server = await startServer(t, {
    legacyStatus,
    store: troubled({ ...memoryStore(), timeout: 250 }, trouble),
    carrier: CARRIERS[carrier](),
    async handler(ctx: Context) {
      if (ctx.method === 'POST') posts++
      const isToAct = ctx.method === 'POST' || ctx.path === '/act'
      if (isToAct && ctx.$wxSession && left-- > 0) {
        try {
          await one.act(ctx.$wxSession)
        } catch (error) {
          errors.push(error)
          throw error
        } finally {
          if (left === 0) Object.assign(trouble, CALM)
        }
      }
      ctx.body = {}
    },
  })
  const phone = namedPhone(server.wechat, 'alice')
  const disturb = (next = one.trouble, times = Number.POSITIVE_INFINITY) => {
    Object.assign(trouble, CALM, next)
    left = times
  }
  return { url: server.url, posts: () => posts, errors, disturb, phone }
}

/** A conflict says what is behind it, and what the next request has to do. */
function isExplained(t: ExecutionContext, error: unknown, { cause, status }: Case): void {
  if (!(error instanceof WeappSessionError)) throw error
  t.is(error.status, status)
  t.is(error.headers['Weapp-Login'] ?? error.headers['X-WX-Login'], cause && 'required')
  if (!cause) return
  t.is((error.cause as WeappSessionError).reason, cause)
  t.true(error.message.startsWith((error.cause as WeappSessionError).message))
}

/** A store to which all that happens. */
function troubled(inner: SessionStore, trouble: Trouble): SessionStore {
  const orAway = <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      if (trouble.isAway) throw new Error('away')
      return method(...args)
    }
  }
  return {
    ...inner,
    async read(id) {
      const entry = await inner.read(id)
      if (entry?.state !== 'session') return entry
      if (trouble.isOver) return { state: 'ended' }
      return trouble.hasNoKeys ? { state: 'session', record: { ...entry.record, key: '' } } : entry
    },
    list: orAway(inner.list),
    end: orAway(inner.end),
    update: orAway(inner.update),
  }
}
