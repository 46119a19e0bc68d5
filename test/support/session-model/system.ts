import { type Clock, install } from '@sinonjs/fake-timers'
import type { ExecutionContext } from 'ava'
import type { Context } from 'koa'
import type { Response } from 'supertest'
import type { Carrier, SessionStore } from '../../../src/index.js'
import { interrupted } from '../interrupted-store.js'
import { startServer, type TestServer } from '../server.js'
import type { CarrierName } from '../visitor.js'
import { loginHeaders, namedPhone } from '../wechat.js'
import { MAX_SESSIONS, TTL } from './model.js'

/** What the model is compared with: two servers on one store, and a clock of the test's own. */
export interface System {
  carrier: CarrierName
  /** Whether some sessions are known without the store. */
  isCached: boolean
  /** Whether the store is in this process, and asked for each token. */
  isStoreHere: boolean
  /** From now on all users are others. */
  startAnew(): void
  /** The name of a user. */
  nameOf(user: string): string
  /** It is so many ms later. */
  pass(ms: number): void
  setAway(isAway: boolean): void
  /** The headers of a login by a fresh code, with the user's name. */
  login(user: string): Promise<Record<string, string>>
  openId(user: string): string
  send(server: number, headers: Record<string, string>, path: string): Promise<Response>
  revoke(server: number, user: string): Promise<void>
}

export interface SystemOptions {
  carrier: CarrierName
  makeCarrier(): Carrier
  /** A store of each server: the same sessions. */
  stores: readonly [SessionStore, SessionStore]
  /** The same sessions as they are, where the stores keep some of them. */
  truth?: SessionStore
  /** What is wrong with the stores, as the servers see them. */
  spoil?(store: SessionStore): SessionStore
}

export async function startSystem(t: ExecutionContext, options: SystemOptions): Promise<System> {
  const { carrier, makeCarrier, truth, spoil = (store) => store } = options
  const clock = takeClock(t)
  let isAway = false
  let runs = 0
  const ids = new Set<string>()
  const stores = options.stores.map((store) => noting(spoil(interrupted(store, () => isAway)), ids))
  const common = { ttl: TTL, maxSessionsPerUser: MAX_SESSIONS, handler: serve }
  const [store, other] = stores as [SessionStore, SessionStore]
  const first = await startServer(t, { ...common, carrier: makeCarrier(), store })
  const { wechat } = first
  const second = await startServer(t, { ...common, carrier: makeCarrier(), store: other, weixin: wechat })
  const server = (n: number) => [first, second][n] as TestServer

  return {
    carrier,
    isCached: truth !== undefined,
    isStoreHere: store.timeout === 0,
    startAnew() {
      runs++
      isAway = false
      ids.clear()
    },
    nameOf: (user) => `${user}${runs}`,
    pass: (ms) => void clock.tick(ms),
    setAway(away) {
      isAway = away
    },
    login: (user) => loginHeaders(namedPhone(wechat, user)),
    openId: (user) => wechat.user(user).openId,
    async send(n, headers, path) {
      if (truth) await untilHeard(stores, truth, ids)
      return server(n).send(headers, path)
    },
    async revoke(n, user) {
      await server(n).session.revoke(wechat.user(user).openId)
    },
  }
}

/** Stands still but when it is told to go on: what ends at a moment is over in that very ms. */
function takeClock(t: ExecutionContext): Clock {
  const clock = install({ now: Date.now(), toFake: ['Date'] })
  t.teardown(() => clock.uninstall())
  return clock
}

/** `/who` asks nothing of the store that a credential can say itself. */
async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, query, path } = ctx
  if (path !== '/who') await session?.load()
  if (path === '/put' || path === '/rotate') Object.assign(session?.data ?? {}, query)
  if (path === '/rotate') await session?.rotate()
  const data = path === '/who' ? undefined : { ...session?.data }
  const isNew = session?.isNew
  if (path === '/logout') await session?.destroy()
  ctx.body = { user: ctx.$wxUserInfo, isNew, data }
}

/** Notes the ids that a server has to do with. */
function noting(store: SessionStore, ids: Set<string>): SessionStore {
  const read: SessionStore['read'] = (id) => {
    ids.add(id)
    return store.read(id)
  }
  return { ...store, read }
}

/** Resolves when nothing that a store keeps has changed since: Redis says so a moment after the change. */
async function untilHeard(stores: SessionStore[], truth: SessionStore, ids: Set<string>): Promise<void> {
  const deadline = performance.now() + 10_000
  for (const store of stores) {
    for (const id of ids) {
      while (await isStale(store, truth, id)) {
        if (performance.now() > deadline) throw new Error('nothing was heard of a change')
      }
    }
  }
}

async function isStale(store: SessionStore, truth: SessionStore, id: string): Promise<boolean> {
  const kept = store.peek?.(id)
  if (!kept) return false
  const entry = await truth.read(id)
  return entry?.state !== 'session' || entry.record.rev !== kept.rev
}
