import Koa, { type Context } from 'koa'
import { createClient } from 'redis'
import { type Clock, createWechat, type Wechat } from '../../simulator/src/index.js'
import {
  codeCarrier,
  headerCarrier,
  redisStore,
  type WeappSession,
  type WeappSessionOptions,
  weappSession,
} from '../../src/index.js'
import { NO_TIMER } from '../../src/stores/redis/clients/own.js'
import * as scripts from '../../src/stores/redis/scripts.js'
import { startRedis } from '../support/redis.js'
import { call } from './call.js'
import { installOwnTime, runOutside } from './own-time.js'
import { parkedClient, type Replaced } from './parked-client.js'
import { type Actor, numbered, type Scheduler, type Slot } from './scheduler.js'

export type CarrierName = 'header' | 'code'

/** How the servers of an order are set up. */
export interface Setting {
  carrier: CarrierName
  rolling: boolean
  /** Whether the other device's session ends before the one that the requests are about: then it makes room. */
  isOtherFirst: boolean
  /** Scripts that are replaced, to see whether the checks notice. */
  replaced: Replaced
}

/** A server process: its middleware behind a Koa app. */
export interface Server {
  session: WeappSession
  get(path: string, headers: Record<string, string>): ReturnType<typeof call>
}

/** One Redis and one WeChat, and the servers between them. */
export interface World {
  wechat: Wechat
  client: ReturnType<typeof clientOf>
  /** How often each code was sent to WeChat. */
  exchanges: Map<string, number>
  /** A server whose commands run at once: it prepares an order, and looks at what has become of it. */
  home(setting: Setting, ttl: number): Server
  /**
   * The server of an actor, whose every step is parked. The same in the next order, because to make one takes longer than
   * an order (its memories are large); so each order has users and codes of its own.
   */
  parked(actor: Actor, scheduler: Scheduler, setting: Setting): Server
  /** An order has used up so much of the server of an actor; when it is all (1), the next order gets another. */
  wear(actor: Actor, setting: Setting, amount: number): void
  /** Reads that are answered at once, beside one that was late: ten of those alone open the breaker. */
  refresh(actor: Actor, setting: Setting, headers: Record<string, string>): Promise<void>
  close(): Promise<void>
}

/** Sessions at most: with another device's, so that each session too many ends one, or is seen. */
export const MAX_SESSIONS = 2

export const PREFIX = 'o:'

const KEYS = 'for the orders of commands: 32 bytes, and some'

/** Seconds. A session of a home is due for renewal at a parked server at once. */
export const TTL = 7200

function clientOf(url: string, database: number) {
  return createClient({ url, database, commandOptions: NO_TIMER })
}

/** The clock of a WeChat that answers in the next turn: a timer takes a millisecond at least. */
const AT_ONCE: Clock = {
  now: () => Date.now(),
  advance() {},
  after(_, action) {
    const turn = setImmediate(action)
    return () => clearImmediate(turn)
  },
}

/** As many worlds as orders are tried at the same time: most of an order is waiting for Redis. */
export async function worlds(count: number): Promise<{ all: World[]; close(): Promise<void> }> {
  installOwnTime()
  const redis = await startRedis()
  const all = await Promise.all(Array.from({ length: count }, (_, database) => world(redis.url, database)))
  return {
    all,
    async close() {
      for (const { close } of all) await close()
      await redis.stop()
    },
  }
}

/** `database`: one of the sixteen that a server has. */
async function world(url: string, database: number): Promise<World> {
  const client = clientOf(url, database)
  await client.connect()
  // Known from the first order on: else it would be another one than the same order later.
  for (const { text } of Object.values(scripts)) await client.scriptLoad(text)
  const wechat = createWechat({ clock: AT_ONCE })
  const exchanges = new Map<string, number>()
  const homes = new Map<string, Server>()
  const processes = new Map<string, { slot: Slot; server: Server; left: number }>()

  const ask: typeof fetch = async (input, init) => {
    const code = new URL(String(input)).searchParams.get('js_code') ?? ''
    exchanges.set(code, (exchanges.get(code) ?? 0) + 1)
    const response = await wechat.fetch(input, init)
    const text = await response.text()
    // Read already, so that the code under test waits for nothing that is not parked.
    return Object.assign(new Response(text, { status: response.status }), { text: async () => text })
  }

  return {
    wechat,
    client,
    exchanges,

    home(setting, ttl) {
      const name = `${setting.carrier} ${ttl} ${Object.keys(setting.replaced)}`
      const known = homes.get(name)
      if (known) return known
      const store = redisStore({ client, prefix: PREFIX, timeout: 5000 })
      const made = server({ ...common(setting), ttl, store, wechat: { fetch: ask } })
      homes.set(name, made)
      return made
    },

    parked(actor, scheduler, setting) {
      const now = { actor, scheduler }
      const name = nameOf(actor, setting)
      const known = processes.get(name)
      if (known) {
        Object.assign(known.slot, now)
        return known.server
      }
      const slot: Slot = now
      const replacing = parkedClient(client, slot, setting.replaced)
      const store = numbered(redisStore({ client: replacing, prefix: PREFIX }), slot)
      const parkedAsk: typeof fetch = (input, init) =>
        slot.scheduler.park(slot.actor, { command: 'the exchange', key: '', kind: 'exchange' }, () =>
          runOutside(() => ask(input, init)),
        )
      const made = server({
        ...common(setting),
        ttl: TTL,
        rolling: setting.rolling,
        store,
        // Not waited for: it decides how often a claim of a process that has died is looked at.
        wechat: { fetch: parkedAsk, timeout: 1000 },
      })
      processes.set(name, { slot, server: made, left: 1 })
      return made
    },

    wear(actor, setting, amount) {
      const name = nameOf(actor, setting)
      const worn = processes.get(name)
      if (!worn) return
      worn.left -= amount
      if (worn.left <= 0) processes.delete(name)
    },

    async refresh(actor, setting, headers) {
      const known = processes.get(nameOf(actor, setting))
      if (!known) return
      known.slot.scheduler = { ...known.slot.scheduler, park: (_actor, _what, work) => work() }
      for (let reads = 0; reads < 2; reads++) await known.server.get('/', headers)
    },

    async close() {
      client.destroy()
      await wechat.close()
    },
  }

  function common({ carrier }: Setting): WeappSessionOptions {
    return {
      appId: wechat.appId,
      appSecret: wechat.appSecret,
      carrier: carrier === 'code' ? codeCarrier() : headerCarrier({ keys: KEYS, anonymous: true }),
      maxSessionsPerUser: MAX_SESSIONS,
    }
  }
}

function nameOf({ name }: Actor, { carrier, rolling, replaced }: Setting): string {
  return `${name} ${carrier} ${rolling} ${Object.keys(replaced)}`
}

function server(options: WeappSessionOptions): Server {
  const session = weappSession(options)
  const app = new Koa()
  app.silent = true
  app.use(session)
  app.use(handle)
  const callback = app.callback()
  return { session, get: (path, headers) => call(callback, path, headers) }
}

/** What a path says is done: `/write/NAME`, `/rotate`, `/logout`, `/look`; else only who it is. */
async function handle(ctx: Context): Promise<void> {
  const [, verb, name = ''] = ctx.path.split('/')
  const session = ctx.$wxSession
  if (verb === 'write' && session) session.data[name] = true
  if (verb === 'rotate') await session?.rotate()
  const data = verb === 'look' ? { ...session?.data } : undefined
  const user = ctx.$wxUserInfo
  // Sent when it is over, whatever is said here.
  ctx.body = { user, data }
  if (verb !== 'logout') return
  try {
    await session?.destroy()
  } catch (error) {
    // As an application answers it: what went wrong is not the handler's.
    const { status, reason } = error as { status: number; reason: string }
    ctx.status = status
    ctx.set('X-WX-Session-Error', reason)
  }
}
