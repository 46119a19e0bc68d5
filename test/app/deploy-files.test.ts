/** What of deploy/ cannot be run here, because it needs Docker or pm2: that it parses, and says what it should. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import supertest from 'supertest'
import { parse } from 'yaml'
import { readSettings } from '../../examples/one-stroke/server/settings.js'
import { buildStages, keptOut, missing, readStages } from '../support/dockerfile.js'
import { temporaryFolder } from '../support/one-stroke.js'
import { runOneStroke } from '../support/one-stroke-process.js'
import { freePort, startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8')

interface Service {
  image: string
  build?: { context: string; dockerfile: string }
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
  networks?: Record<string, { ipv4_address?: string }> | string[]
  restart?: string
  stop_grace_period?: string
  healthcheck?: { test: string[] }
}

/** What is in the environment of whoever starts it. */
const ENVIRONMENT: Record<string, string> = {
  WEAPP_ID: 'wx-test',
  WEAPP_SECRET: 'a-secret',
  SERVER_NAME: 'draw.example.com',
  CERTIFICATES: '/etc/certificates',
}

const compose = parse(interpolated(read('compose.yaml')), { merge: true }) as {
  services: Record<string, Service>
  networks: { inside: { ipam: { config: { subnet: string }[] } } }
  volumes: Record<string, unknown>
}
const { services } = compose
const stages = readStages(read('Dockerfile'))

test('compose: two of the app, Redis, MongoDB and nginx', (t) => {
  t.deepEqual(Object.keys(services), ['app-1', 'app-2', 'redis', 'mongo', 'nginx'])
  for (const [name, { restart }] of Object.entries(services)) t.is(restart, 'unless-stopped', name)
})

test('compose: images have a major version, so that they are the same tomorrow', (t) => {
  for (const [name, { image, build }] of Object.entries(services)) {
    if (build) t.is(image, 'one-stroke', name)
    else t.regex(image, /^[a-z]+:\d+(\.\d+)*$/, name)
  }
})

test('compose: only nginx can be reached from outside, and only by HTTPS', (t) => {
  for (const [name, { ports }] of Object.entries(services))
    t.deepEqual(ports, name === 'nginx' ? ['443:443'] : undefined, name)
})

test('compose: each service is asked whether it is well, and waits for those that it needs', (t) => {
  for (const [name, { healthcheck, depends_on = {} }] of Object.entries(services)) {
    t.is(healthcheck?.test[0], 'CMD', name)
    for (const { condition } of Object.values(depends_on)) t.is(condition, 'service_healthy', name)
  }
  const needs = Object.entries(services).map(([name, { depends_on = {} }]) => [name, Object.keys(depends_on)])
  t.deepEqual(Object.fromEntries(needs), {
    'app-1': ['redis', 'mongo'],
    'app-2': ['redis', 'mongo'],
    redis: [],
    mongo: [],
    nginx: ['app-1', 'app-2'],
  })
})

test('compose: Redis keeps sessions on disk, and throws none away', (t) => {
  const command = services.redis?.command?.join(' ') ?? ''

  t.regex(command, /^redis-server .*--appendonly yes/)
  t.regex(command, /--maxmemory-policy noeviction/)
  for (const name of ['redis', 'mongo']) {
    const [volume = ''] = services[name]?.volumes ?? []
    t.true((volume.split(':')[0] ?? '') in compose.volumes, name)
  }
})

test('compose: the app gets settings that it takes', (t) => {
  for (const name of ['app-1', 'app-2']) {
    const { environment = {}, stop_grace_period: grace = '', build } = services[name] as Service
    const { redisUrl, drawings, trustProxy, port, host } = readSettings({
      ...imageEnvironment(),
      ...environment,
    })
    t.is(redisUrl, 'redis://redis:6379')
    t.deepEqual(drawings, { mongoUrl: 'mongodb://mongo:27017/one-stroke' })
    t.deepEqual([trustProxy, port, host], [true, 3000, '0.0.0.0'])
    t.true(Number.parseInt(grace, 10) > 10)
    t.true(existsSync(join(root, 'deploy', build?.context ?? '', build?.dockerfile ?? '')))
  }
})

test('compose: nginx fills in every word of its template, and nothing else', (t) => {
  const { environment = {}, volumes = [] } = services.nginx as Service
  const words = [...read('nginx.conf').matchAll(/\$\{(\w+)\}/g)].map(([, word = '']) => word)
  const filter = new RegExp((environment.NGINX_ENVSUBST_FILTER ?? '').replace('$$', '$'))

  for (const word of words) t.true(word in environment && filter.test(word), word)
  for (const variable of ['host', 'remote_addr', 'scheme', 'HOSTNAME', 'NGINX_VERSION'])
    t.false(filter.test(variable))
  t.true(volumes[0]?.startsWith('./nginx.conf:/etc/nginx/templates/'))
  const addresses = ['app-1', 'app-2'].map((name) => {
    const { networks } = services[name] as Service
    return `${(networks as Record<string, { ipv4_address?: string }>).inside?.ipv4_address}:3000`
  })
  t.deepEqual([environment.APP_1, environment.APP_2], addresses)
  const [{ subnet } = { subnet: '' }] = compose.networks.inside.ipam.config
  for (const address of addresses) t.true(address.startsWith(subnet.replace(/\.0\/24$/, '.')))
})

test('compose: it names what is missing in the environment', (t) => {
  const text = read('compose.yaml')
  for (const name of Object.keys(ENVIRONMENT)) t.regex(text, new RegExp(`\\$\\{${name}:\\?[^}]+\\}`), name)
})

test('Dockerfile: every instruction is one, every source exists, every stage is there', (t) => {
  const known = ['WORKDIR', 'COPY', 'RUN', 'ENV', 'USER', 'VOLUME', 'EXPOSE', 'CMD', 'HEALTHCHECK']
  const seen: string[] = []
  for (const { image, name, steps } of stages) {
    t.regex(image, /^node:\d+-bookworm-slim$/)
    for (const { keyword, args, flags } of steps) {
      t.true(known.includes(keyword), keyword)
      if (keyword !== 'COPY') continue
      const sources = args.slice(0, -1)
      if (flags.from !== undefined) t.true(seen.includes(flags.from), flags.from)
      else {
        t.deepEqual(missing(root, sources), [])
        t.deepEqual(keptOut(join(root, 'deploy/Dockerfile.dockerignore'), sources), [])
      }
    }
    seen.push(name)
  }
})

test('Dockerfile: it runs as nobody in particular, without a shell, and nothing secret is in it', (t) => {
  const { steps } = stages.at(-1) as (typeof stages)[number]
  const last = (keyword: string) => steps.findLast((step) => step.keyword === keyword)

  t.deepEqual(last('USER')?.args, ['node'])
  t.is(JSON.parse(last('CMD')?.args.join(' ') ?? '[]')[0], 'node')
  t.notRegex(read('Dockerfile'), /SECRET|PASSWORD|TOKEN/i)
})

test('Dockerfile: what it says, done without Docker, is a server that starts', async (t) => {
  const image = buildStages(t, stages, root)
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  const PORT = await freePort()
  const env = {
    REDIS_URL: redis.url,
    WEAPP_ID: 'wx-test',
    WEAPP_SECRET: 'a-secret',
    PORT,
    DATA_DIR: temporaryFolder(t),
  }

  const server = runOneStroke(t, [join(image, 'app/examples/one-stroke/server/dist/main.js')], {
    ...imageEnvironment(),
    ...env,
    HOST: '127.0.0.1',
  })
  await server.ready

  const url = `http://127.0.0.1:${PORT}`
  await until(async () => (await supertest(url).get('/readyz')).status === 200)
  t.false(existsSync(join(image, 'app/node_modules/typescript')))
  t.false(existsSync(join(image, 'app/src')))
  t.deepEqual(askHealth(PORT), [0, 0])
  // Alive, and not ready.
  await redis.stop()
  await until(() => askHealth(PORT).join() === '0,1')
  server.child.kill('SIGTERM')
  t.is(await server.exit, 0)
  t.deepEqual(askHealth(PORT), [1, 1])
})

test('pm2: two processes, ready when they say so, ended with time to finish', (t) => {
  const { apps } = createRequire(import.meta.url)(join(root, 'deploy/ecosystem.config.cjs'))
  const [app] = apps

  t.is(apps.length, 1)
  t.deepEqual([app.exec_mode, app.instances, app.wait_ready, app.increment_var], ['cluster', 2, true, 'PORT'])
  t.true(app.kill_timeout > 10_000)
  t.is(join(app.cwd, '/'), root)
  // Built from this:
  t.true(existsSync(join(app.cwd, app.script.replace('/dist/main.js', '/main.ts'))))
  const secrets = { REDIS_URL: 'redis://127.0.0.1:6379', WEAPP_ID: 'wx-test', WEAPP_SECRET: 'a-secret' }
  const env = Object.fromEntries(Object.entries(app.env).map(([name, value]) => [name, String(value)]))
  const { port, trustProxy } = readSettings({ ...env, ...secrets })
  t.deepEqual([port, trustProxy], [3000, true])
  for (const name of Object.keys(secrets)) t.false(name in app.env)
})

/** As compose does it: `${NAME:?what to do}`, and `$$` for a dollar. */
function interpolated(text: string): string {
  return text.replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => {
    const value = ENVIRONMENT[name]
    if (value === undefined) throw new Error(`compose.yaml asks for ${name}`)
    return value
  })
}

/** What the image sets itself. */
function imageEnvironment(): Record<string, string> {
  const sets = stages.at(-1)?.steps.filter(({ keyword }) => keyword === 'ENV') ?? []
  return Object.fromEntries(
    sets.flatMap(({ args }) => args.map((pair) => pair.split('=') as [string, string])),
  )
}

/** The exit codes of the image's own check, `CMD ["node", "-e", "…"]`, and of that in compose.yaml. */
function askHealth(port: number): (number | null)[] {
  const { args = [] } = stages.at(-1)?.steps.find(({ keyword }) => keyword === 'HEALTHCHECK') ?? {}
  const [, ...own] = JSON.parse(args.slice(1).join(' ')) as string[]
  const [, , ...composed] =
    services['app-1']?.healthcheck?.test.map((part) => part.replace(':3000/', `:${port}/`)) ?? []
  const ask = (args: string[]) => spawnSync(process.execPath, args, { env: { PORT: String(port) } }).status
  return [ask(own), ask(composed)]
}
