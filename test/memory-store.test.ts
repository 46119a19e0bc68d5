import test from 'ava'
import { headerCarrier, memoryStore } from '../src/index.js'
import { startServer } from './support/server.js'
import { create, newId, newRecord, testStore } from './support/store-contract.js'
import { KEY, kept, visitor } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

testStore(test, async () => memoryStore())

test.serial(
  'memoryStore(): guests push no user out, and none of what is remembered of users’ codes',
  async (t) => {
    const max = 200
    const server = await startServer(t, {
      store: memoryStore({ max }),
      carrier: headerCarrier({ keys: [KEY], anonymous: true }),
      handler: async (ctx) => {
        if (ctx.$wxSession) ctx.$wxSession.data.seen = 1
        if (ctx.path === '/end') await ctx.$wxSession?.destroy()
        ctx.body = 'ok'
      },
    })
    const alice = visitor(server, server.wechat.phone('alice'))
    const login = await codeLoginHeaders(server.wechat.phone('alice'))
    alice.headers = kept(await server.send(login))

    for (let n = 0; n < 2 * max; n++) {
      const guest = kept(await server.send())
      if (n % 2) await server.send(guest, '/end')
    }

    t.is((await alice.get()).status, 200)
    t.is((await server.send(login)).status, 200)
    t.is(server.wechat.exchanges, 1)
  },
)

test.serial('memoryStore(): junk logins push out neither users nor what became of their codes', async (t) => {
  const store = memoryStore({ max: 100 })
  const users = await Promise.all(Array.from({ length: 20 }, () => create(store)))
  const used = await claimed(store, newId())
  await store.create({ id: newId(), user: newId(), claim: used, record: newRecord(), max: 10 })
  const ended = await create(store)
  await store.end(ended.id, ended.user)

  for (let n = 0; n < 30_000; n++) {
    await store.refuse(await claimed(store, `junk ${n}`), { status: 401, errcode: 40029 }, 10_000)
  }

  for (const { id } of users) t.is((await store.read(id))?.state, 'session')
  t.is((await store.claim(used.id)).state, 'used')
  t.is((await store.claim(ended.id)).state, 'ended')
})

async function claimed(store: ReturnType<typeof memoryStore>, id: string) {
  const entry = await store.claim(id)
  if (entry.state !== 'granted') throw new Error(entry.state)
  return entry.claim
}
