import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestFn } from 'ava'
import { createClient } from 'redis'
import { trace } from './trace.js'

export interface Redis {
  url: string
  /** For redisStore(): patient, because the machine is busy with other tests. */
  options: { url: string; prefix: string; timeout: number }
  /** Goes before every key, so that a shared Redis (REDIS_URL) is left as it was found. */
  prefix: string
  /** Everything under the prefix. */
  entries(): Promise<RedisEntry[]>
  clear(): Promise<void>
  /** A client for one errand. */
  use<T>(errand: (client: ReturnType<typeof createClient>) => Promise<T>): Promise<T>
}

export interface RedisEntry {
  key: string
  value: string
  /** ms; -1 for a key that never expires. */
  ttl: number
}

/** A `redis-server` of one's own, to be stopped, killed and frozen. */
export interface OwnRedis extends Redis {
  server: ChildProcess
  port: number
  dir: string
  stop(): Promise<void>
}

/**
 * The Redis of a test file: that of REDIS_URL when there is one, else a `redis-server` of its own. Gives each
 * caller a prefix of its own.
 */
export function useRedis(test: TestFn): () => Redis {
  let server: OwnRedis | undefined
  const given: Redis[] = []

  test.before(async () => {
    if (!process.env.REDIS_URL) server = await startRedis()
  })
  test.after.always(async () => {
    for (const redis of given) {
      for (const { key, value } of await redis.entries()) trace('redis', `${key} ${value}`)
      if (process.env.REDIS_URL) await redis.clear()
    }
    await server?.stop()
  })

  return () => {
    const redis = redisAt(server?.url ?? process.env.REDIS_URL ?? '')
    given.push(redis)
    return redis
  }
}

/** Starts a `redis-server` on a free port; or again where one was, with what that one had saved in its folder. */
export async function startRedis(port?: number, dir: string = newFolder()): Promise<OwnRedis> {
  const chosen = port ?? (await freePort())
  const { server, end } = runRedis(['--port', `${chosen}`, '--dir', dir, ...NOTHING_KEPT])
  const redis = redisAt(`redis://127.0.0.1:${chosen}`)
  await untilReady(redis.url)

  return {
    ...redis,
    port: chosen,
    dir,
    server,
    async stop() {
      await end()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Settings of a server that writes no data to disk and is seen by this machine alone. */
export const NOTHING_KEPT: string[] = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']

export interface RedisProcess {
  server: ChildProcess
  /** Kills it, however it fares, and waits until it is gone. */
  end(): Promise<void>
}

/** Runs `redis-server` with these arguments. */
export function runRedis(args: string[]): RedisProcess {
  const server = spawn('redis-server', args, { stdio: 'ignore' })
  const isOver = once(server, 'exit')
  return {
    server,
    async end() {
      server.kill('SIGKILL')
      await isOver
    },
  }
}

/** A folder for the files of a server; whoever asked for it removes it. */
export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'weapp-redis-'))
}

function redisAt(url: string): Redis {
  const prefix = `test:${randomUUID()}:`
  return {
    url,
    options: { url, prefix, timeout: 5000 },
    prefix,
    entries: () => readAll(url, prefix),
    clear: () => removeAll(url, prefix),
    use: (errand) => withClient(url, errand),
  }
}

async function readAll(url: string, prefix: string): Promise<RedisEntry[]> {
  return withClient(url, async (client) => {
    const entries: RedisEntry[] = []
    for await (const keys of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 1000 })) {
      for (const key of keys) {
        const type = await client.type(key)
        const value =
          type === 'hash' ? JSON.stringify(await client.hGetAll(key)) : ((await client.get(key)) ?? '')
        entries.push({ key, value, ttl: await client.pTTL(key) })
      }
    }
    return entries
  })
}

async function removeAll(url: string, prefix: string): Promise<void> {
  const entries = await readAll(url, prefix)
  await withClient(url, async (client) => {
    for (const { key } of entries) await client.del(key)
  })
}

/** A client for one errand. */
export async function withClient<T>(
  url: string,
  errand: (client: ReturnType<typeof createClient>) => Promise<T>,
): Promise<T> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 5000 } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await errand(client as ReturnType<typeof createClient>)
  } finally {
    client.destroy()
  }
}

/** Waits until a server answers. */
export async function untilReady(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await withClient(url, async (client) => void (await client.ping()))
    } catch (error) {
      if (tries > 200) throw error
      await sleep(20)
    }
  }
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}

/** As many free ports, no two the same. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
