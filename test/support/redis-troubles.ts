import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Response } from 'supertest'
import type { SessionStore } from '../../src/index.js'
import { readPage } from '../docs/support/markdown.js'
import { freePort, NOTHING_KEPT, newFolder, runRedis, startRedis, untilReady } from './redis.js'
import { startCluster } from './redis-cluster.js'
import { startServer } from './server.js'
import { until } from './until.js'
import { codeLoginHeaders } from './wechat.js'

/** Each trouble that a Redis can have, made on a real one: what clients are told, and what operators read. */
export interface Trouble {
  /** As docs/troubleshooting.md says it. */
  says: string
  retryAfter: '1' | '60'
  /** ms until it is known, where that takes long. */
  patience?: number
  /** Starts a Redis, and has it break by `breakIt()`; the URL is what the store gets. */
  start(t: ExecutionContext): Promise<{ url: string; breakIt?(): Promise<unknown> }>
}

export const TROUBLES: Trouble[] = [
  {
    says: 'READONLY',
    retryAfter: '1',
    start: (t) => breaking(t, ['REPLICAOF', '127.0.0.1', '1']),
  },
  {
    says: 'MASTERDOWN',
    retryAfter: '1',
    start: (t) =>
      breaking(t, ['CONFIG', 'SET', 'replica-serve-stale-data', 'no'], ['REPLICAOF', '127.0.0.1', '1']),
  },
  { says: 'LOADING', retryAfter: '1', start: loading, patience: 2000 },
  { says: 'OOM', retryAfter: '1', start: (t) => breaking(t, ['CONFIG', 'SET', 'maxmemory', '1']) },
  { says: 'MISCONF', retryAfter: '1', start: withoutDisk },
  {
    says: 'NOREPLICAS',
    retryAfter: '1',
    start: (t) => breaking(t, ['CONFIG', 'SET', 'min-replicas-to-write', '1']),
  },
  { says: 'BUSY', retryAfter: '1', start: withALongScript },
  {
    says: 'max number of clients',
    retryAfter: '1',
    start: crowded,
  },
  {
    says: 'ECONNREFUSED',
    retryAfter: '1',
    // A free port may be somebody else's a moment later. Nobody listens at this one.
    start: async () => ({ url: 'redis://127.0.0.1:1' }),
  },
  { says: 'ENOTFOUND', retryAfter: '1', start: async () => ({ url: 'redis://redis.invalid:6379' }) },
  {
    says: 'NOAUTH',
    retryAfter: '60',
    start: async (t) => ({ url: (await locked(t)).url }),
  },
  {
    says: 'WRONGPASS',
    retryAfter: '60',
    start: async (t) => ({ url: (await locked(t)).url.replace('//', '//:wrong@') }),
  },
  { says: 'NOPERM', retryAfter: '60', start: withoutPermission },
  { says: 'WRONGTYPE', retryAfter: '60', start: amongOthers },
  {
    says: 'DB index is out of range',
    retryAfter: '60',
    start: async (t) => ({ url: `${(await breaking(t)).url}/99` }),
  },
  {
    says: 'unknown command',
    retryAfter: '60',
    start: (t) => running(t, ['--rename-command', 'EVALSHA', '', '--rename-command', 'EVAL', '']),
  },
  { says: 'MOVED', retryAfter: '60', start: ofACluster },
  {
    // A plain Redis waits for more of what it takes for a command.
    says: 'it speaks no TLS',
    retryAfter: '60',
    patience: 4000,
    start: async (t) => ({ url: (await breaking(t)).url.replace('redis:', 'rediss:') }),
  },
]

/** What this process says, of all of them. */
const said: string[] = []
process.on('warning', ({ code, message }: Error & { code?: string }) => said.push(`${code}: ${message}`))

/** The table of the documents: what Redis says, what the warning adds, `Retry-After`. */
const section =
  readPage('docs/troubleshooting.md').text.split('## Redis in trouble')[1]?.split('\n## ')[0] ?? ''
export const rows: string[][] = [...section.matchAll(/^\| `(.+?)` \| (.+?) \| (.+?) \|$/gm)].map((row) =>
  row.slice(1),
)

/** Has a Redis break: what requests get, and what is said, is what the documents say. `makeStore` gets a URL and a connectTimeout. */
export async function showTrouble(
  t: ExecutionContext,
  trouble: Trouble,
  makeStore: (url: string, connectTimeout: number) => SessionStore,
): Promise<void> {
  const { url, breakIt } = await trouble.start(t)
  // Handlers write, so that a Redis which is only read from is found out.
  const server = await startServer(t, {
    store: makeStore(url, trouble.patience ?? 500),
    handler(ctx) {
      if (ctx.$wxSession) ctx.$wxSession.data.n = Math.random()
      ctx.body = 'ok'
    },
  })
  const newLogin = () => codeLoginHeaders(server.wechat.phone())
  const headers = breakIt && (await newLogin())
  if (headers) {
    t.is((await server.send(headers)).status, 200)
    await breakIt()
  }

  const refused = await untilRefused(async () => server.send(headers ?? (await newLogin())))

  t.is(refused.status, 503)
  t.is(refused.get('X-WX-Session-Error'), 'ERR_STORE_UNAVAILABLE')
  t.is(refused.get('Retry-After'), trouble.retryAfter)
  const line = said.find((line) => line.startsWith('WEAPP_STORE: ') && line.includes(trouble.says))
  t.truthy(line, said.join('\n'))
  const [, fix = '-', wait] = rows.find(([says]) => says === trouble.says) ?? []
  t.true(line?.endsWith(`. ${fix}`), line)
  t.is(wait, `${trouble.retryAfter} s`)
}

/** Some troubles need a moment. */
async function untilRefused(ask: () => Promise<Response>): Promise<Response> {
  let response = await ask()
  await until(async () => {
    if (response.status === 200) response = await ask()
    return response.status !== 200
  })
  return response
}

/** A Redis that breaks by some commands. */
async function breaking(t: ExecutionContext, ...commands: string[][]) {
  const own = await startRedis()
  t.teardown(() => own.stop())
  return {
    ...own,
    breakIt: () =>
      own.use(async (client) => {
        for (const command of commands) await client.sendCommand(command)
      }),
  }
}

/** A Redis with other settings, which is broken from the start. */
async function running(t: ExecutionContext, args: string[], dir = newFolder()) {
  const port = await freePort()
  const { end } = runRedis(['--port', `${port}`, '--dir', dir, ...NOTHING_KEPT, ...args])
  t.teardown(end)
  const url = `redis://127.0.0.1:${port}`
  await untilReady(url)
  return { url }
}

async function locked(t: ExecutionContext) {
  const own = await breaking(t, ['CONFIG', 'SET', 'requirepass', 'right'])
  await own.breakIt()
  return own
}

/** It takes seconds to read what it has saved. */
async function loading(t: ExecutionContext) {
  const own = await startRedis()
  await own.use(async (client) => {
    for (let n = 0; n < 2000; n++) await client.set(`key:${n}`, 'x'.repeat(1000))
    await client.sendCommand(['SAVE'])
  })
  own.server.kill('SIGKILL')
  t.teardown(() => own.stop())
  const port = await freePort()
  const slow = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024']
  const { end } = runRedis(['--port', `${port}`, '--dir', own.dir, ...NOTHING_KEPT, ...slow])
  t.teardown(end)
  return { url: `redis://127.0.0.1:${port}` }
}

/** Where its file should be, there is a folder. */
async function withoutDisk(t: ExecutionContext) {
  const own = await breaking(t)
  const breakIt = () =>
    own.use(async (client) => {
      mkdirSync(join(own.dir, 'dump.rdb', 'full'), { recursive: true })
      await client.configSet('save', '3600 1000000')
      await client.sendCommand(['BGSAVE'])
      await until(async () => /rdb_last_bgsave_status:err/.test(await client.info('persistence')))
    })
  return { url: own.url, breakIt }
}

async function withALongScript(t: ExecutionContext) {
  const own = await breaking(t)
  const breakIt = async () => {
    await own.use((client) => client.configSet('lua-time-limit', '5'))
    own.use((client) => client.eval('while true do end')).catch(() => {})
    t.teardown(() => own.use((client) => client.sendCommand(['SCRIPT', 'KILL'])).catch(() => {}))
    await until(() =>
      own.use((client) =>
        client.get('x').then(
          () => false,
          (error: Error) => /BUSY/.test(error.message),
        ),
      ),
    )
  }
  return { url: own.url, breakIt }
}

async function withoutPermission(t: ExecutionContext) {
  const own = await breaking(t)
  await own.use((client) => client.aclSetUser('reader', ['on', '>pass', '~*', '+@read', '+@connection']))
  return { url: own.url.replace('//', '//reader:pass@') }
}

/** Another program has a hash where a session was. */
async function amongOthers(t: ExecutionContext) {
  const own = await breaking(t)
  const breakIt = () =>
    own.use(async (client) => {
      for await (const keys of client.scanIterator({ MATCH: 'wxs:s:*' }))
        for (const key of keys) {
          await client.del(key)
          await client.hSet(key, 'field', 'value')
        }
    })
  return { url: own.url, breakIt }
}

async function ofACluster(t: ExecutionContext) {
  const cluster = await startCluster()
  t.teardown(cluster.stop)
  return { url: cluster.urls[0] as string }
}

/** There is room for one client, and that is there. */
async function crowded(t: ExecutionContext) {
  const own = await breaking(t, ['CONFIG', 'SET', 'maxclients', '1'])
  await own.breakIt()
  const other = connect(own.port, '127.0.0.1')
  await once(other, 'connect')
  t.teardown(() => other.destroy())
  return { url: own.url }
}
