import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { Context } from 'koa'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { useRedis } from './support/redis.js'
import { answer, isRefused, startServer } from './support/server.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, newCode } from './support/wechat.js'

const redis = useRedis(test)

test('data: it is there at the next request', async (t) => {
  for (const store of stores()) {
    const { send, wechat } = await startServer(t, { store, handler: count })
    const headers = await codeLoginHeaders(wechat.phone())

    const visits = [await send(headers), await send(codeOnly(headers)), await send(codeOnly(headers))]

    t.deepEqual(
      visits.map(({ body }) => body.visits),
      [1, 2, 3],
    )
  }
})

test('data: data may be replaced whole', async (t) => {
  const handler = (ctx: Context) => {
    if (ctx.path === '/set' && ctx.$wxSession) ctx.$wxSession.data = { fresh: true }
    answer(ctx)
  }
  const { send, wechat } = await startServer(t, { handler })
  const headers = await codeLoginHeaders(wechat.phone())

  await send(headers, '/set')

  t.deepEqual((await send(codeOnly(headers))).body.data, { fresh: true })
})

test('data: to read it writes nothing', async (t) => {
  const store = memoryStore()
  let writes = 0
  const counted: SessionStore = {
    ...store,
    update: (...args) => {
      writes++
      return store.update(...args)
    },
    renew: (...args) => {
      writes++
      return store.renew(...args)
    },
  }
  const { send, wechat } = await startServer(t, { store: counted, rolling: true })
  const headers = await codeLoginHeaders(wechat.phone())
  await send(headers)

  for (let n = 0; n < 5; n++) t.deepEqual((await send(codeOnly(headers))).body.data, {})

  t.is(writes, 0)
})

test('data: a change is seen by its own request alone until it is saved', async (t) => {
  const seen: unknown[] = []
  const { send, wechat } = await startServer(t, {
    handler: async (ctx) => {
      if (ctx.$wxSession) ctx.$wxSession.data.mine = ctx.path
      await sleep(ctx.path === '/slow' ? 200 : 50)
      seen.push(ctx.$wxSession?.data.mine)
      ctx.body = {}
    },
  })
  const headers = await codeLoginHeaders(wechat.phone())
  await send(headers, '/login')

  await Promise.all([send(codeOnly(headers), '/slow'), send(codeOnly(headers), '/quick')])

  t.deepEqual(seen.sort(), ['/login', '/quick', '/slow'])
})

test('ERR_SESSION_CONFLICT: of two parallel changes of one session the later gets 409, and nothing is lost', async (t) => {
  for (const store of stores()) {
    let isRunning = false
    const { send, wechat } = await startServer(t, {
      store,
      handler: async (ctx) => {
        if (ctx.$wxSession) ctx.$wxSession.data.by = ctx.path
        if (ctx.path === '/slow') {
          isRunning = true
          await until(() => !isRunning)
        }
        ctx.set({ ETag: '"of the body"', 'Content-Disposition': 'attachment' })
        ctx.body = { by: ctx.path }
      },
    })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers)

    const slow = send(codeOnly(headers), '/slow')
    await until(() => isRunning)
    const quick = await send(codeOnly(headers), '/quick')
    isRunning = false

    t.is(quick.status, 200)
    const refused = await slow
    isRefused(t, refused, 'ERR_SESSION_CONFLICT', 409)
    t.is(refused.get('ETag'), undefined)
    t.is(refused.get('Content-Disposition'), undefined)
  }
})

test('ERR_SESSION_CONFLICT: a profile that arrives meanwhile is no conflict: both changes are kept', async (t) => {
  for (const store of stores()) {
    let isRunning = false
    const { send, wechat } = await startServer(t, {
      store,
      handler: async (ctx) => {
        if (ctx.path === '/slow' && ctx.$wxSession) {
          ctx.$wxSession.data.cart = ['milk']
          isRunning = true
          await until(() => !isRunning)
        }
        answer(ctx)
      },
    })
    const headers = await loginHeaders(namedPhone(wechat, 'alice'))
    await send({ ...codeOnly(headers), 'X-WX-Login': 'code' })

    const slow = send(codeOnly(headers), '/slow')
    await until(() => isRunning)
    await send(headers)
    isRunning = false

    t.is((await slow).status, 200)
    const { body } = await send(codeOnly(headers))
    t.deepEqual([body.user.nickName, body.data], ['alice', { cart: ['milk'] }])
  }
})

test('data: it must be a plain object', async (t) => {
  const { send, wechat } = await startServer(t, {
    handler: (ctx) => {
      for (const value of [null, undefined, 'text', 7, []]) {
        const assign = () => Object.assign(ctx.$wxSession ?? {}, { data: value })
        t.throws(assign, { instanceOf: TypeError, message: /session.data/ })
      }
      answer(ctx)
    },
  })

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
})

test('data: a change that cannot be saved after the answer was sent is reported, not sent', async (t) => {
  const store = { ...memoryStore(), update: () => Promise.reject(new Error('down')) }
  const { app, send, wechat } = await startServer(t, {
    store,
    handler: (ctx) => {
      if (ctx.$wxSession) ctx.$wxSession.data.n = 1
      ctx.respond = false
      ctx.res.statusCode = 200
      ctx.res.end('by hand')
    },
  })
  const reported: Error[] = []
  app.on('error', (error) => reported.push(error))

  const response = await send(await codeLoginHeaders(wechat.phone()))

  t.deepEqual([response.status, response.text], [200, 'by hand'])
  t.is(reported.length, 1)
})

test('data: a change to a session that was ended meanwhile is refused, and revives nothing', async (t) => {
  let isRunning = false
  const { send, wechat, session } = await startServer(t, {
    handler: async (ctx) => {
      if (ctx.path === '/slow' && ctx.$wxSession) {
        ctx.$wxSession.data.late = true
        isRunning = true
        await until(() => !isRunning)
      }
      answer(ctx)
    },
  })
  const phone = wechat.phone()
  const headers = await codeLoginHeaders(phone)
  await send(headers)

  const slow = send(codeOnly(headers), '/slow')
  await until(() => isRunning)
  await session.revoke(phone.user.openId)
  isRunning = false

  isRefused(t, await slow, 'ERR_SESSION_CONFLICT', 409)
  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
})

test('data: a handler that throws leaves the session as it was', async (t) => {
  const { send, wechat } = await startServer(t, {
    handler: (ctx) => {
      if (ctx.path === '/fail' && ctx.$wxSession) {
        ctx.$wxSession.data.half = 'done'
        ctx.throw(418, 'teapot')
      }
      answer(ctx)
    },
  })
  const headers = await codeLoginHeaders(wechat.phone())
  await send(headers)

  t.is((await send(codeOnly(headers), '/fail')).status, 418)

  t.deepEqual((await send(codeOnly(headers))).body.data, {})
})

test('destroy(): after it the request has no user, and neither has the next', async (t) => {
  const { send, wechat } = await startServer(t, {
    handler: async (ctx) => {
      const session = ctx.$wxSession
      if (ctx.path === '/logout') {
        await session?.destroy()
        if (session) session.data.late = true
      }
      answer(ctx)
    },
  })
  const headers = await codeLoginHeaders(wechat.phone())
  await send(headers)

  const { status, body } = await send(codeOnly(headers), '/logout')

  t.deepEqual({ status, user: body.user }, { status: 200, user: null })
  isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  isRefused(t, await send(headers), 'ERR_SESSION_EXPIRED', 401)
})

test('WeappSessionError: a refusal that escapes through a handler still is one: status, reason and Retry-After', async (t) => {
  const store = memoryStore()
  const failing = { ...store, end: () => Promise.reject(new Error('down')) }
  const { send, wechat } = await startServer(t, {
    store: failing,
    handler: async (ctx) => void (await ctx.$wxSession?.destroy()),
  })

  const response = await send(await codeLoginHeaders(wechat.phone()))

  t.is(response.status, 503)
  t.is(response.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
  t.is(response.get('Retry-After'), '1')
})

test('destroy(): where it fails it ends nothing, and the session goes on', async (t) => {
  const store = { ...memoryStore(), end: () => Promise.reject(new Error('down')) }
  const { send, wechat } = await startServer(t, {
    store,
    handler: async (ctx) => {
      await ctx.$wxSession?.destroy().catch(() => {})
      if (ctx.$wxSession) ctx.$wxSession.data.kept = true
      answer(ctx)
    },
  })
  const headers = await codeLoginHeaders(wechat.phone())

  await send(headers)

  t.deepEqual((await send(codeOnly(headers))).body.data, { kept: true })
})

test('decrypt(): it opens data of this user and this mini program, and nothing else', async (t) => {
  const phone: { current?: { encryptedData: string; iv: string } } = {}
  const { send, wechat } = await startServer(t, {
    handler: async (ctx) => {
      if (phone.current) ctx.body = await ctx.$wxSession?.decrypt(phone.current)
    },
  })
  const alice = namedPhone(wechat, 'alice')
  const headers = await loginHeaders(alice)
  await send(headers)

  phone.current = await userInfo(alice)
  const { body } = await send(codeOnly(headers))
  t.is(body.openId, alice.user.openId)
  t.is(body.watermark.appid, wechat.appId)

  const bob = wechat.phone('bob')
  await newCode(bob)
  phone.current = await userInfo(bob)
  const refused = await send(codeOnly(headers))
  t.is(refused.status, 400)
  t.is(refused.get('X-WX-Session-Error'), 'ERR_UNTRUSTED_RAW_DATA')
})

test('created and expires: a session says when it began and when it ends', async (t) => {
  const { send, wechat } = await startServer(t, {
    ttl: 600,
    handler: (ctx) => {
      ctx.body = ctx.$wxSession
    },
  })

  const { body } = await send(await codeLoginHeaders(wechat.phone()))

  const [created, expires] = [Date.parse(body.createdAt), Date.parse(body.expiresAt)]
  t.is(expires - created, 600_000)
  t.true(Math.abs(created - Date.now()) < 2000)
  t.deepEqual(Object.keys(body).sort(), ['createdAt', 'data', 'expiresAt', 'isNew'])
})

test.serial('ttl: a session ends after its ttl', async (t) => {
  const date = takeDate(t)
  for (const store of stores()) {
    const { send, wechat } = await startServer(t, { store, ttl: 1 })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers)
    t.is((await send(codeOnly(headers))).status, 200)

    date.pass(1050)

    isRefused(t, await send(codeOnly(headers)), 'ERR_SESSION_EXPIRED', 401)
  }
})

test.serial(
  'rolling: a rolling session is not written for each use, and goes on where it cannot be renewed',
  async (t) => {
    const store = memoryStore()
    let renewals = 0
    const readOnly = {
      ...store,
      renew: () => {
        renewals++
        return Promise.reject(new Error('READONLY'))
      },
    }
    const { send, wechat } = await startServer(t, { store: readOnly, ttl: 20, rolling: true })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers)

    for (let n = 0; n < 5; n++) await send(codeOnly(headers))
    t.is(renewals, 0)

    takeDate(t).pass(2100)
    t.is((await send(codeOnly(headers))).status, 200)
    t.is(renewals, 1)
  },
)

test('maxSessionsPerUser: the oldest session makes room', async (t) => {
  const { send, wechat } = await startServer(t, { maxSessionsPerUser: 2 })
  const logins = []
  for (let n = 0; n < 3; n++) {
    const headers = await codeLoginHeaders(wechat.phone('alice'))
    await send(headers)
    logins.push(codeOnly(headers))
  }

  const statuses = await Promise.all(logins.map(async (headers) => (await send(headers)).status))

  t.deepEqual(statuses, [401, 200, 200])
})

test('revoke(): it wants an openId', async (t) => {
  const { session } = await startServer(t)

  for (const openId of ['', undefined, null, 7]) {
    await t.throwsAsync(session.revoke(openId as string), { instanceOf: TypeError })
  }
})

test('session_key: neither ctx.$wxUserInfo nor ctx.$wxSession holds the session_key, anywhere', async (t) => {
  let text = ''
  const { send, wechat } = await startServer(t, {
    handler: (ctx) => {
      text = [ctx.$wxUserInfo, ctx.$wxSession, ctx].map((value) => deepText(value)).join()
      ctx.body = {}
    },
  })
  const headers = await loginHeaders(namedPhone(wechat, 'alice'))
  await send(headers)

  const codes = Object.values(headers)
  const secrets = wechat.secrets().filter((secret) => !codes.includes(secret))
  t.true(secrets.length >= 2)
  for (const secret of secrets) t.false(text.includes(secret))
})

function* stores(): Generator<SessionStore> {
  yield memoryStore()
  yield redisStore(redis().options)
}

function count(ctx: Context): void {
  const data = ctx.$wxSession?.data
  if (data) data.visits = Number(data.visits ?? 0) + 1
  ctx.body = data
}

function userInfo(phone: ReturnType<typeof namedPhone>): Promise<{ encryptedData: string; iv: string }> {
  return new Promise((resolve, reject) => phone.wx.getUserInfo({ success: resolve, fail: reject }))
}

/** All that can be reached from a value: own properties of every kind, getters called. */
function deepText(value: unknown, seen = new Set<unknown>()): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (seen.has(value) || seen.size > 20_000) return ''
  seen.add(value)
  const keys = Reflect.ownKeys(value)
  return keys
    .map((key) => {
      try {
        return deepText((value as Record<PropertyKey, unknown>)[key], seen)
      } catch {
        return ''
      }
    })
    .join(' ')
}
