/** `ctx.$wxSession.data`: what is kept of it, and how changes of several requests come together. */
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import session from 'express-session'
import fc from 'fast-check'
import type { Context } from 'koa'
import { headerCarrier, memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { become, mergeData } from '../src/session/data.js'
import { fromExpressStore } from '../src/stores/express/index.js'
import { countingStore } from './support/counting-store.js'
import { useRedis } from './support/redis.js'
import { isRefused, startServer } from './support/server.js'
import { CARRIERS, KEY, kept } from './support/visitor.js'
import { codeLoginHeaders, codeOnly } from './support/wechat.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  'memoryStore()': () => memoryStore(),
  'redisStore()': () => redisStore(redis().options),
  'redisStore({ cache })': () => redisStore({ ...redis().options, cache: true }),
  'fromExpressStore()': () =>
    fromExpressStore(new session.MemoryStore() as never, { timeout: 2000 } as never),
}

/** Requests wait here until all are there, so that each has read before the first has written. */
function gateFor(count: number): () => Promise<void> {
  let waiting = 0
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return async () => {
    if (++waiting === count) open()
    await opened
  }
}

for (const [where, store] of Object.entries(STORES)) {
  test(`data (${where}): twenty requests at once, each with a key of its own, lose nothing`, async (t) => {
    const gate = gateFor(20)
    const server = await startServer(t, {
      store: store(),
      carrier: CARRIERS.header(),
      handler: async (ctx) => {
        const own = ctx.path.slice(1)
        const { data } = ctx.$wxSession as { data: Record<string, unknown> }
        if (own.startsWith('k')) {
          await gate()
          data[own] = { list: [own] }
        }
        ctx.body = { data }
      },
    })
    const alice = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))
    const paths = Array.from({ length: 20 }, (_, n) => `/k${n}`)

    const answers = await Promise.all(paths.map((path) => server.send(alice, path)))

    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    const { data } = (await server.send(alice)).body
    t.deepEqual(data, Object.fromEntries(paths.map((path) => [path.slice(1), { list: [path.slice(1)] }])))
  })

  test(`ERR_SESSION_CONFLICT (${where}): of those that change one key differently, one wins`, async (t) => {
    const gate = gateFor(5)
    const server = await startServer(t, {
      store: store(),
      carrier: CARRIERS.header(),
      handler: async (ctx) => {
        const { data } = ctx.$wxSession as { data: Record<string, unknown> }
        if (ctx.path !== '/') {
          await gate()
          data.cart = { ...(data.cart as object), item: ctx.path }
          data[ctx.path] = true
        }
        ctx.body = { data }
      },
    })
    const alice = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))

    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => server.send(alice, `/${n}`)))

    const winners = answers.filter(({ status }) => status === 200)
    t.is(winners.length, 1)
    for (const lost of answers.filter((answer) => !winners.includes(answer)))
      isRefused(t, lost, 'ERR_SESSION_CONFLICT', 409)
    const { data } = (await server.send(alice)).body
    t.is(Object.keys(data).length, 2, 'nothing else of the losers was saved')
  })

  test(`update() (${where}): a counter that twenty requests raise at once`, async (t) => {
    const server = await startServer(t, {
      store: store(),
      carrier: CARRIERS.header(),
      handler: async (ctx) => {
        let tries = 0
        for (;;) {
          try {
            await ctx.$wxSession?.update(async (data) => {
              await Promise.resolve()
              data.count = Number(data.count ?? 0) + 1
            })
            break
          } catch (error) {
            // Of twenty at once some are overtaken ten times: then the application says when to try again.
            if ((error as { reason?: string }).reason !== 'ERR_SESSION_CONFLICT' || ++tries > 5) throw error
          }
        }
        ctx.body = { count: ctx.$wxSession?.data.count }
      },
    })
    const alice = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))

    const answers = await Promise.all(Array.from({ length: 20 }, () => server.send(alice)))

    t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
    const counts = answers.map(({ body }) => body.count).sort((a, b) => a - b)
    t.deepEqual(
      counts,
      Array.from({ length: 20 }, (_, n) => n + 2),
    )
  })
}

test('data: a write costs one round trip where nobody else wrote', async (t) => {
  const store = countingStore(memoryStore())
  const server = await startServer(t, {
    store,
    carrier: CARRIERS.header(),
    handler: (ctx) => {
      if (ctx.$wxSession) ctx.$wxSession.data.n = 1
      ctx.body = 'ok'
    },
  })
  const alice = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))
  await server.session.revoke('nobody')
  const fresh = kept(await server.send(await codeLoginHeaders(server.wechat.phone('bob'))))
  const before = store.calls()
  t.truthy(alice)

  await server.send(fresh)

  const { read = 0, update = 0 } = store.calls()
  t.is(read - (before.read ?? 0), 1)
  t.true(update - (before.update ?? 0) <= 1)
})

test('data: it is merged key by key, three ways', (t) => {
  const cases: [base: object, after: object, current: object, merged: object | 'conflict'][] = [
    [{}, { a: 1 }, { b: 2 }, { a: 1, b: 2 }],
    [{ a: 1 }, { a: 2 }, { a: 1, b: 2 }, { a: 2, b: 2 }],
    [{ a: 1 }, {}, { a: 1, b: 2 }, { b: 2 }],
    [{ a: 1 }, {}, {}, {}],
    [{ a: 1 }, { a: 2 }, { a: 2 }, { a: 2 }],
    [{ a: 1 }, { a: 2 }, { a: 3 }, 'conflict'],
    [{ a: 1 }, {}, { a: 2 }, 'conflict'],
    [{ a: 1 }, { a: 2 }, {}, 'conflict'],
    [{}, { a: 1 }, { a: 2 }, 'conflict'],
    [{ a: { x: 1, y: 1 } }, { a: { x: 2, y: 1 } }, { a: { x: 1, y: 2 } }, 'conflict'],
  ]
  for (const [base, after, current, merged] of cases) {
    const merge = () => mergeData({ ...base }, { ...after }, { ...current })
    if (merged === 'conflict') t.throws(merge, { message: /"a"/ })
    else t.deepEqual(merge(), merged)
  }
  const own = JSON.parse('{"__proto__":{"x":1},"toString":1}')
  t.is(JSON.stringify(mergeData({}, own, {})), '{"__proto__":{"x":1},"toString":1}')
})

test('data: whatever two requests make of it, a merge is what both made, or a conflict', (t) => {
  const value = fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.integer({ min: 0, max: 2 }))
  fc.assert(
    fc.property(value, value, value, (base, mine, theirs) => {
      const text = (data: object, key: string) =>
        Object.hasOwn(data, key) ? JSON.stringify((data as Record<string, unknown>)[key]) : undefined
      const keys = new Set([base, mine, theirs].flatMap(Object.keys))
      const isConflict = [...keys].some((key) => {
        const [was, a, b] = [base, mine, theirs].map((data) => text(data, key))
        return a !== was && b !== was && a !== b
      })
      let merged: object | undefined
      try {
        merged = mergeData(base, mine, theirs)
      } catch {
        return isConflict
      }
      return (
        !isConflict &&
        [...keys].every((key) => {
          const [was, a, b, m] = [base, mine, theirs, merged as object].map((data) => text(data, key))
          return m === (a === was ? b : a)
        })
      )
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('data: what is no JSON is a TypeError that says where it is, and nothing of the request is saved', async (t) => {
  const circle: Record<string, unknown> = {}
  circle.self = { circle }
  const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000))
  const bad: [value: unknown, message: RegExp][] = [
    [{ cart: [{}, {}, { price: 10n }] }, /session\.data\.bad\.cart\[2\]\.price is a BigInt/],
    [circle, /session\.data\.bad\.self\.circle is an object that contains itself/],
    [new Map([[1, 2]]), /session\.data\.bad is a Map/],
    [{ 'a b': new Set() }, /session\.data\.bad\["a b"\] is a Set/],
    [() => 1, /session\.data\.bad is a function/],
    [Symbol('x'), /session\.data\.bad is a symbol/],
    [Number.NaN, /session\.data\.bad is NaN/],
    [Buffer.from('x').buffer, /session\.data\.bad is a ArrayBuffer/],
    [new Uint8Array(2), /session\.data\.bad is a Uint8Array/],
    [/x/, /session\.data\.bad is a RegExp/],
    [{ toJSON() {} }, /session\.data\.bad is an object whose toJSON\(\) gives undefined/],
    [deep, /session\.data\.bad.* is more than 500 levels deep/],
  ]
  let value: unknown
  const server = await startServer(t, {
    carrier: CARRIERS.header(),
    handler: (ctx) => {
      const { data } = ctx.$wxSession as { data: Record<string, unknown> }
      if (ctx.path === '/bad') Object.assign(data, { good: 1, bad: value })
      ctx.body = { data: ctx.path === '/' ? data : undefined }
    },
  })
  const errors: Error[] = []
  server.app.on('error', (error) => errors.push(error))
  const alice = kept(await server.send(await codeLoginHeaders(server.wechat.phone('alice'))))

  for (const [each, message] of bad) {
    value = each
    t.is((await server.send(alice, '/bad')).status, 500, String(message))
    t.regex(errors.at(-1)?.message ?? '', message)
    t.true(errors.at(-1) instanceof TypeError)
    t.deepEqual((await server.send(alice)).body.data, {})
  }
  value = {
    at: new Date(0),
    gone: undefined,
    list: [undefined],
    nothing: null,
    made: new (class Cart {
      n = 1
    })(),
  }
  t.is((await server.send(alice, '/bad')).status, 200)
  t.deepEqual((await server.send(alice)).body.data.bad, {
    at: '1970-01-01T00:00:00.000Z',
    list: [null],
    nothing: null,
    made: { n: 1 },
  })
})

test('save(): it writes now, also on a request that fails afterwards', async (t) => {
  const server = await startServer(t, {
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    handler: async (ctx: Context) => {
      const data = ctx.$wxSession?.data ?? {}
      if (ctx.path === '/fail') {
        data.wrongPins = Number(data.wrongPins ?? 0) + 1
        await ctx.$wxSession?.save()
        data.lost = true
        ctx.throw(401, 'wrong PIN')
      }
      ctx.body = { data }
    },
  })
  const guest = kept(await server.send({}, '/fail'))
  t.is((await server.send(guest, '/fail')).status, 401)
  t.deepEqual((await server.send(guest)).body.data, { wrongPins: 2 })
})

test('update(): what this request has changed before is in it, and data is what was saved', async (t) => {
  const seen: unknown[] = []
  const server = await startServer(t, {
    carrier: headerCarrier({ keys: KEY, anonymous: true }),
    handler: async (ctx: Context) => {
      const session = ctx.$wxSession
      if (ctx.path === '/update' && session) {
        session.data.before = 1
        await session.update((data) => {
          seen.push({ ...data })
          data.count = Number(data.count ?? 0) + 1
        })
        seen.push({ ...session.data })
        session.data.after = 1
      }
      ctx.body = { data: session?.data }
    },
  })
  const guest = kept(await server.send({}, '/update'))
  t.deepEqual(seen, [{ before: 1 }, { before: 1, count: 1 }])
  t.deepEqual((await server.send(guest)).body.data, { before: 1, count: 1, after: 1 })
  const error = await server.send(guest, '/update')
  t.is(error.status, 200)
  t.deepEqual((await server.send(guest)).body.data, { before: 1, count: 2, after: 1 })
})

test.serial(
  'session.data: what is changed when the answer is out, and not saved, is said once',
  async (t) => {
    const said: string[] = []
    const listen = ({ code, message }: Error & { code?: string }) => said.push(`${code}: ${message}`)
    process.on('warning', listen)
    t.teardown(() => process.off('warning', listen))
    const { send, wechat } = await startServer(t, {
      handler(ctx) {
        const { $wxSession: session } = ctx
        if (!session) return
        const change = async () => {
          session.data.late = ctx.path
          if (ctx.path === '/saved') await session.save()
        }
        if (ctx.path === '/read') setTimeout(() => session.data.late, 10)
        else if (ctx.path !== '/login') setTimeout(change, 10)
        if (ctx.path === '/early') session.data.early = true
        ctx.body = 'ok'
      },
    })
    const headers = await codeLoginHeaders(wechat.phone())
    await send(headers, '/login')

    for (const path of ['/read', '/saved']) await send(codeOnly(headers), path)
    await sleep(1300)
    t.deepEqual(said, [])

    for (const path of ['/early', '/late', '/late']) await send(codeOnly(headers), path)
    await sleep(1300)
    t.is(said.length, 1, said.join('\n'))
    t.regex(said[0] ?? '', /^WEAPP_LATE_DATA: session\.data was changed after .*\.save\(\) after/)
  },
)

for (const [where, makeStore] of Object.entries(STORES)) {
  test(`session.data: a request is in no conflict with itself, and loses nothing that it changes meanwhile (${where})`, async (t) => {
    const store = countingStore(makeStore())
    const server = await startServer(t, {
      carrier: CARRIERS.header(),
      store,
      async handler(ctx) {
        const session = ctx.$wxSession
        const data = session?.data as Record<string, unknown>
        if (ctx.path === '/floating') {
          data.step = 1
          const first = session?.save()
          data.step = 2
          const second = session?.save()
          data.step = 3
          await Promise.all([first, second])
        }
        if (ctx.path === '/meanwhile') {
          data.mine = 'early'
          const saving = session?.save()
          data.late = 'mine'
          await saving
          data.later = data.late
        }
        if (ctx.path === '/other') data.others = Math.random()
        if (ctx.path === '/updates')
          await Promise.all(
            [1, 2, 3].map((n) => session?.update((now) => void Object.assign(now, { [`n${n}`]: n }))),
          )
        ctx.body = ctx.$wxSession?.data
      },
    })
    const headers = kept(await server.send(await codeLoginHeaders(server.wechat.phone())))

    t.is((await server.send(headers, '/floating')).body.step, 3)
    for (let n = 0; n < 10; n++) {
      const [meanwhile] = await Promise.all([
        server.send(headers, '/meanwhile'),
        server.send(headers, '/other'),
      ])
      t.is(meanwhile.status, 200, meanwhile.text)
      t.like((await server.send(headers)).body, { step: 3, mine: 'early', late: 'mine', later: 'mine' })
    }
    t.like((await server.send(headers, '/updates')).body, { n1: 1, n2: 2, n3: 3 })
  })
}

test('update(): of a guest too, several at once make one session, and one that throws leaves nothing', async (t) => {
  const store = countingStore(memoryStore())
  const server = await startServer(t, {
    carrier: headerCarrier({ keys: [KEY], anonymous: true }),
    store,
    async handler(ctx) {
      const session = ctx.$wxSession
      if (ctx.path === '/several') {
        const updates = [1, 2, 3].map((n) =>
          session?.update((data) => void Object.assign(data, { [`n${n}`]: n })),
        )
        await Promise.all([...updates, session?.save()])
      }
      if (ctx.path === '/throws')
        await t.throwsAsync(
          session?.update((data) => {
            data.half = 1
            throw new Error('on purpose')
          }) ?? Promise.resolve(),
        )
      ctx.body = session?.data
    },
  })

  const several = await server.send({}, '/several')
  t.deepEqual(several.body, { n1: 1, n2: 2, n3: 3 })
  t.is(store.calls().create, 1)
  t.deepEqual((await server.send(kept(several))).body, { n1: 1, n2: 2, n3: 3 })

  const thrown = await server.send({}, '/throws')
  t.deepEqual([thrown.status, thrown.body, kept(thrown)], [200, {}, {}])
})

test('update(): inside itself it is refused at once, and save() there is none', async (t) => {
  const server = await startServer(t, {
    async handler(ctx) {
      const session = ctx.$wxSession
      let runs = 0
      const nested = session?.update(async (data) => {
        runs++
        data.outer = true
        await session.save()
        await session.update(() => {})
      })
      const error = await t.throwsAsync(nested ?? Promise.resolve(), { instanceOf: TypeError })
      ctx.body = { runs, message: error?.message }
    },
  })

  const { body } = await server.send(await codeLoginHeaders(server.wechat.phone()))

  t.is(body.runs, 1)
  t.regex(body.message, /update\(\) inside update\(\)/)
})

test.serial('session.data: what is no JSON, and comes late, ends no process', async (t) => {
  const { send, wechat } = await startServer(t, {
    handler(ctx) {
      const session = ctx.$wxSession
      if (session) session.data.n = 1
      setTimeout(() => {
        if (session) session.data.late = 1n
      }, 5)
      ctx.body = 'ok'
    },
  })

  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)
  await sleep(1200)
  t.is((await send()).status, 200)
})

test('data: what was merged has the order that is stored, so it has not changed afterwards', (t) => {
  const list = ['mine']
  const data = { mine: list, old: 1 }

  become(data, { theirs: 1, mine: ['mine'] })

  t.is(JSON.stringify(data), '{"theirs":1,"mine":["mine"]}')
  t.is(data.mine, list)
})
