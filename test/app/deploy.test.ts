/**
 * The app as it is deployed: Debian's nginx with deploy/nginx.conf, HTTPS, two processes of the built server in
 * production mode, one Redis, one folder of drawings.
 */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { ensureProgram } from '../../scripts/debian.js'
import type { Phone, Wechat } from '../../simulator/src/index.js'
import { type HttpsAnswer, type HttpsClient, httpsClient } from '../support/https-client.js'
import { type Site, startSite } from '../support/nginx-site.js'
import { temporaryFolder } from '../support/one-stroke.js'
import { BUILT, type OneStrokeProcess, runOneStroke } from '../support/one-stroke-process.js'
import { freePorts, startRedis } from '../support/redis.js'
import { userInfoOf } from '../support/session-key.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone, startWechat } from '../support/wechat.js'

const LIST = '/applet/session/paints/list'
const SAVE = '/applet/session/paints/save'
const DELETE = '/applet/session/paints/delete'

const root = fileURLToPath(new URL('../..', import.meta.url))
const hasNginx = ensureProgram({ command: 'nginx', versionFlag: '-v', package: 'nginx' })
const hasOpenssl = ensureProgram({ command: 'openssl', versionFlag: 'version', package: 'openssl' })
const isPossible = hasNginx && hasOpenssl
if (!isPossible) console.log('There is no nginx or no openssl, and they cannot be installed here: skipped.')
const check = isPossible ? test.serial : test.serial.skip

test.before('the server is the built one', () => {
  const args = ['run', '--silent', 'build', '--workspace', 'one-stroke-server']
  const { status, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
})

check('processes are restarted one by one under load: no drawing is lost, and no session', async (t) => {
  const deployment = await deploy(t)
  const { site, wechat } = deployment
  const painters = await Promise.all(
    Array.from({ length: 6 }, (_, n) => loggedIn(httpsClient(t, site), wechat.phone(`painter ${n}`))),
  )
  const load = { requests: 0, saved: 0, failures: [] as string[], isOver: false }
  const slowest = { ms: 0 }
  const drawing = painters.map((painter) => draw(painter, load, slowest))
  const arriving = arrive(httpsClient(t, site), wechat, load)

  const began = Date.now()
  let restarts = 0
  while (Date.now() - began < 10_000) {
    for (const n of [0, 1] as const) {
      await deployment.restart(n)
      restarts++
      await sleep(300)
    }
  }
  load.isOver = true
  const drawn = await Promise.all(drawing)
  const logins = await arriving

  let lost = 0
  for (const [n, painter] of painters.entries()) {
    const found = await allDrawings(painter)
    for (const [id, actions] of drawn[n] ?? []) if (found.get(id) !== actions) lost++
    t.is(found.size, drawn[n]?.size ?? -1, 'there is nothing that nobody drew')
  }
  t.log(
    `${restarts} restarts in ${((Date.now() - began) / 1000).toFixed(1)} s: ${load.requests} requests, of which ${load.saved} ` +
      `saves, ${logins} logins; ${load.failures.length} failed; slowest ${slowest.ms} ms; ${lost} drawings lost`,
  )
  t.is(lost, 0)
  t.deepEqual(load.failures, [])
  t.true(restarts >= 4)
  t.true(load.saved > 200 && logins > 10, `${load.saved} ${logins}`)
  // No session was lost: nobody but those who arrived had to log in.
  t.is(wechat.exchanges, painters.length + logins)
})

check('a process that is killed costs no drawing that was acknowledged, and no session', async (t) => {
  const deployment = await deploy(t)
  const painters = await Promise.all(
    Array.from({ length: 4 }, (_, n) =>
      loggedIn(httpsClient(t, deployment.site), deployment.wechat.phone(`painter ${n}`)),
    ),
  )
  const load = { requests: 0, saved: 0, failures: [] as string[], isOver: false }
  const drawing = painters.map((painter) => draw(painter, load, { ms: 0 }))

  for (let kills = 0; kills < 4; kills++) {
    await sleep(400)
    await deployment.restart(kills % 2 === 0 ? 0 : 1, 'SIGKILL')
  }
  load.isOver = true
  const drawn = await Promise.all(drawing)

  let lost = 0
  for (const [n, painter] of painters.entries()) {
    const found = await allDrawings(painter)
    for (const [id, actions] of drawn[n] ?? []) if (found.get(id) !== actions) lost++
  }
  t.log(
    `4 kills: ${load.requests} requests, ${load.failures.length} failed (${[...new Set(load.failures)].join()})`,
  )
  t.is(lost, 0)
  // What was under way in a killed process fails, and nothing else; the painters save it again.
  t.true(load.failures.length <= 2 * 4 * painters.length, load.failures.join())
  t.true(
    load.failures.every((failure) => failure === '502 ERR_UNAVAILABLE'),
    load.failures.join(),
  )
  t.is(deployment.wechat.exchanges, painters.length)
})

check('the longest rawData logs in, with encrypted data beside it; behind nginx, over HTTPS', async (t) => {
  const { site, wechat } = await deploy(t)
  const phone = namedPhone(wechat, 'alice')
  phone.profile = { nickName: 'a' }
  const { 'X-WX-RawData': short = '' } = await loginHeaders(phone)
  phone.profile = { nickName: 'a'.repeat(1 + 8192 - short.length) }
  const client = httpsClient(t, site)
  for (const prefix of ['Weapp-', 'X-WX-']) {
    const headers = await loginHeaders(phone)
    t.is(headers['X-WX-RawData']?.length, 8192)
    const { encryptedData, iv } = await userInfoOf(phone)
    const all = { ...headers, 'X-WX-Encrypted-Data': encryptedData, 'X-WX-IV': iv }

    const login = await client.send('GET', LIST, { headers: renamed(all, prefix) })

    t.is(login.status, 200, login.text)
    t.is(login.headers[`${prefix}Login`.toLowerCase()], 'accepted')
    const later = await client.send('GET', LIST, { headers: renamed(codeOnly(headers), prefix) })
    t.is(later.status, 200)
  }
})

check('the app sees the address of the client, whatever the client says of it', async (t) => {
  const { site, processes } = await deploy(t)
  const client = httpsClient(t, site)
  const path = '/applet/session/who'

  await client.send('GET', path, {
    from: '127.0.0.7',
    headers: { 'X-Forwarded-For': '9.9.9.9', 'X-Real-IP': '9.9.9.9' },
  })

  const logged = () => processes.map(({ output }) => output()).join('')
  await until(() => logged().includes(path))
  const line =
    logged()
      .split('\n')
      .find((text) => text.includes(path)) ?? '{}'
  t.is(JSON.parse(line).ip, '127.0.0.7')
})

check('too much is refused in JSON, by the app or by nginx', async (t) => {
  const { site, wechat } = await deploy(t)
  const { client, headers } = await loggedIn(httpsClient(t, site), wechat.phone('alice'))

  for (const size of [1.5, 3]) {
    const data = { id: 'one', actions: [], more: 'x'.repeat(size * 1024 * 1024) }
    const { status, body } = await client.send('POST', SAVE, { headers, data })
    t.deepEqual([status, body?.code, body?.error?.reason], [413, -1, 'ERR_DRAWING_TOO_LARGE'], `${size} MB`)
  }
})

check('readiness goes to the process that is ready; when all are gone, that is JSON too', async (t) => {
  const { site, processes } = await deploy(t)
  const client = httpsClient(t, site)
  for (let n = 0; n < 4; n++) t.is((await client.send('GET', '/readyz')).status, 200)

  processes[0].child.kill('SIGTERM')
  await processes[0].exit
  for (let n = 0; n < 4; n++) t.is((await client.send('GET', '/readyz')).status, 200)
  processes[1].child.kill('SIGTERM')
  await processes[1].exit

  const { status, headers, body } = await client.send('GET', LIST)
  t.deepEqual(
    [status, headers['retry-after'], body],
    [502, '1', { code: -1, msg: 'fail', error: { reason: 'ERR_UNAVAILABLE' } }],
  )
})

check('a POST that was sent is never sent again; a GET is, to the other process', async (t) => {
  const seen: string[] = []
  // Takes a request, and dies over it.
  const dying = await serve(t, (request) => void request.socket.destroy())
  const healthy = await serve(t, (_request, response) => void response.end('{}'))
  const site = await startSite(t, [dying, healthy])
  const client = httpsClient(t, site)

  const posts = await sendEight('POST', SAVE)
  const seenOfPosts = seen.splice(0)
  const gets = await sendEight('GET', LIST)

  t.is(seenOfPosts.length, 8, seenOfPosts.join())
  const failed = posts.filter(({ status }) => status !== 200)
  t.is(failed.length, seenOfPosts.filter((line) => line.endsWith(dying)).length)
  t.true(failed.length > 0)
  t.true(failed.every(({ status, body }) => status === 502 && body.error?.reason === 'ERR_UNAVAILABLE'))
  t.true(gets.every(({ status }) => status === 200))
  t.true(seen.some((line) => line.endsWith(dying)))

  async function sendEight(method: 'GET' | 'POST', path: string): Promise<HttpsAnswer[]> {
    const answers: HttpsAnswer[] = []
    for (let n = 0; n < 8; n++)
      answers.push(await client.send(method, path, method === 'POST' ? { data: { n } } : {}))
    return answers
  }

  async function serve(
    t: ExecutionContext,
    answer: Parameters<typeof createServer>[1] & object,
  ): Promise<string> {
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${at}`)
      request.resume().on('end', () => answer(request, response))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const at = `127.0.0.1:${(server.address() as AddressInfo).port}`
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return at
  }
})

check(
  'nginx takes the configuration without a warning, speaks TLS 1.2 and 1.3, and nothing older',
  async (t) => {
    const site = await startSite(t, ['127.0.0.1:9', '127.0.0.1:9'])

    t.notRegex(site.verdict, /warn|emerg/)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) t.is(await handshake(site, version), version)
    // The client would go down to that level, were the server to agree.
    await t.throwsAsync(handshake(site, 'TLSv1.1'))
  },
)

interface Deployment {
  site: Site
  wechat: Wechat
  processes: readonly [OneStrokeProcess, OneStrokeProcess]
  /** Ends one process, and starts it again on the same port. */
  restart(n: 0 | 1, signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

async function deploy(t: ExecutionContext): Promise<Deployment> {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  const wechat = startWechat(t)
  const ports = (await freePorts(2)) as [number, number]
  const env = {
    NODE_ENV: 'production',
    TRUST_PROXY: 1,
    REDIS_URL: redis.url,
    DATA_DIR: temporaryFolder(t),
    WEAPP_ID: wechat.appId,
    WEAPP_SECRET: wechat.appSecret,
    WECHAT_URL: await wechat.listen(),
  }
  const start = (n: 0 | 1) => runOneStroke(t, BUILT, { ...env, PORT: ports[n] })
  const processes: [OneStrokeProcess, OneStrokeProcess] = [start(0), start(1)]
  await Promise.all(processes.map(({ ready }) => ready))
  const site = await startSite(t, [`127.0.0.1:${ports[0]}`, `127.0.0.1:${ports[1]}`])

  return {
    site,
    wechat,
    processes,
    async restart(n, signal = 'SIGTERM') {
      processes[n].child.kill(signal)
      const code = await processes[n].exit
      if (signal === 'SIGTERM' && code !== 0)
        throw new Error(`it ended with ${code}: ${processes[n].output()}`)
      processes[n] = start(n)
      await processes[n].ready
    },
  }
}

/** The same headers, with names of the other family. */
function renamed(headers: Record<string, string>, prefix: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replace('X-WX-', prefix), value]),
  )
}

interface LoggedIn {
  client: HttpsClient
  headers: Record<string, string>
}

async function loggedIn(client: HttpsClient, phone: Phone): Promise<LoggedIn> {
  const login = await codeLoginHeaders(phone)
  const { status, text } = await client.send('GET', LIST, { headers: login })
  if (status !== 200) throw new Error(`the login was answered with ${status}: ${text}`)
  return { client, headers: codeOnly(login) }
}

interface Load {
  requests: number
  saved: number
  failures: string[]
  isOver: boolean
}

/** Saves drawings, over and over the same hundred, lists some, deletes some. Gives what has to be there at the end. */
async function draw(
  { client, headers }: LoggedIn,
  load: Load,
  slowest: { ms: number },
): Promise<Map<string, string>> {
  const drawn = new Map<string, string>()
  for (let n = 0; !load.isOver; n++) {
    const id = `drawing-${n % 100}`
    const actions = JSON.stringify([{ color: '#1a2b3c', width: 4, points: [n % 1000, 0] }])
    await untilDone('POST', SAVE, { id, actions })
    drawn.set(id, actions)
    load.saved++
    if (n % 5 === 1) await untilDone('GET', `${LIST}?limit=10`)
    if (n % 10 === 9) {
      await untilDone('POST', DELETE, { id })
      drawn.delete(id)
    }
  }
  return drawn

  /** Sends it again when it fails, as the client does; a drawing that is gone is deleted. */
  async function untilDone(method: 'GET' | 'POST', path: string, data?: object): Promise<void> {
    for (let tries = 0; ; tries++) {
      const began = Date.now()
      load.requests++
      const outcome = await client.send(method, path, { headers, ...(data && { data }) }).then(
        ({ status, body }) => (status === 200 ? 'done' : `${status} ${body?.error?.reason ?? body?.reason}`),
        (error: Error) => error.message,
      )
      slowest.ms = Math.max(slowest.ms, Date.now() - began)
      if (outcome === 'done' || (tries > 0 && outcome === '404 ERR_DRAWING_NOT_FOUND')) return
      load.failures.push(outcome)
      if (tries > 20 || outcome.startsWith('401')) throw new Error(`${method} ${path}: ${outcome}`)
      await sleep(50)
    }
  }
}

/** People who come for the first time, one after the other. Gives how many came in. */
async function arrive(client: HttpsClient, wechat: Wechat, load: Load): Promise<number> {
  let logins = 0
  while (!load.isOver) {
    load.requests++
    const headers = await codeLoginHeaders(wechat.phone(`newcomer ${logins}`))
    const { status, text } = await client.send('GET', LIST, { headers })
    if (status === 200) logins++
    else load.failures.push(`login ${status} ${text}`)
    await sleep(50)
  }
  return logins
}

async function allDrawings({ client, headers }: LoggedIn): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  let before: string | undefined
  do {
    const query = before ? `?limit=100&before=${before}` : '?limit=100'
    const { body, headers: answered } = await client.send('GET', LIST + query, { headers })
    for (const { id, actions } of body.data ?? []) found.set(id, actions)
    before = answered['x-next-cursor'] as string | undefined
  } while (before)
  return found
}

/** The version that a handshake comes to, when the client takes no other. */
async function handshake(
  { port, ca }: Site,
  version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3',
): Promise<string | null> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca,
    servername: 'localhost',
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  try {
    await once(socket, 'secureConnect')
    return socket.getProtocol()
  } finally {
    socket.destroy()
  }
}
