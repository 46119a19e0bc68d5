/** Other people's middleware beside the session, before it and after it: docs/frameworks.md has what comes of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type Koa from 'koa'
import type { Context, Middleware } from 'koa'
import supertest, { type Response } from 'supertest'
import { exposedHeaders, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { isInMatrix, versionIn } from '../support/matrix-row.js'
import { isRefused, listen } from '../support/server.js'
import { until } from '../support/until.js'
import { CARRIERS, kept } from '../support/visitor.js'
import { codeLoginHeaders, newCode, startWechat } from '../support/wechat.js'
import { type Installed, install, loadMiddleware } from './support/install.js'

let installed: Installed

test.before('neighbours: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('neighbours')
})

test.after.always(() => installed?.remove())

const load = (name: string) => loadMiddleware(installed, name)

interface Scene {
  url: string
  app: Koa
  /** The headers of a login. */
  login(user?: string): Promise<Record<string, string>>
  code(): Promise<string>
  send(headers: Record<string, string>, path?: string): Promise<Response>
}

type Order = 'before' | 'after'

interface SceneOptions {
  options?: Partial<WeappSessionOptions>
  handler?: Middleware
}

/** A real server with the neighbours on one side of the session. */
async function start(
  t: ExecutionContext,
  order: Order,
  neighbours: Middleware[],
  { options, handler = answer }: SceneOptions = {},
): Promise<Scene> {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const carrier = CARRIERS.header()
  const session = weappSession({ appId, appSecret, wechat: { fetch }, carrier, ...options })
  t.teardown(() => session.close())
  const app = new ((await load('koa')) as unknown as typeof Koa)()
  app.silent = true
  // koa-session signs its cookie.
  app.keys = ['a key of the tests']
  const ours: Middleware[] = [session]
  for (const one of order === 'before' ? [...neighbours, ...ours] : [...ours, ...neighbours]) app.use(one)
  app.use(handler)
  const url = await listen(t, app)
  return {
    url,
    app,
    login: (user = 'alice') => codeLoginHeaders(wechat.phone(user)),
    code: () => newCode(wechat.phone('alice')),
    send: async (headers, path = '/') => supertest(url).get(path).set(headers),
  }
}

function answer(ctx: Context): void {
  const { body } = ctx.request as { body?: unknown }
  ctx.body = { openId: ctx.$wxUserInfo?.openId ?? null, body }
}

const ORDERS = ['before', 'after'] as const
const DEAD = { 'X-WX-Session': 'of nobody' }

/** Tests a neighbour, and the row that says how it went. */
function neighbour(
  name: string,
  said: Record<Order, string>,
  run: (t: ExecutionContext, order: Order) => Promise<void>,
): void {
  for (const order of ORDERS) test(`${name}, ${order} the session: ${said[order]}`, (t) => run(t, order))
  test(`${name}: docs/frameworks.md says so`, (t) => {
    const cells = [`\`${name}\``, versionIn(installed.folder, name), said.before, said.after]
    isInMatrix(t, 'docs/frameworks.md', cells)
  })
}

for (const [name, make] of [
  ['koa-bodyparser', (load: (...args: unknown[]) => Middleware) => load()],
  ['@koa/bodyparser', (load: (...args: unknown[]) => Middleware) => load()],
  ['koa-body', (load: (...args: unknown[]) => Middleware) => load()],
] as const) {
  neighbour(
    name,
    { before: '`loginPath` takes the parsed body', after: '`loginPath` reads the body itself' },
    async (t, order) => {
      const parser = make(await load(name))
      const scene = await start(t, order, [parser], { options: { loginPath: '/login' } })

      const login = await supertest(scene.url)
        .post('/login')
        .send({ code: await scene.code() })
      const alice = { 'Weapp-Session': login.body.session }
      const order1 = await supertest(scene.url).post('/').set(alice).send({ tea: 1 })

      t.is(login.body.login, 'accepted')
      t.deepEqual(order1.body, { openId: login.body.user.openId, body: { tea: 1 } })
    },
  )
}

neighbour(
  '@koa/cors',
  { before: 'pages can read every answer, refusals too', after: 'pages cannot read refusals' },
  async (t, order) => {
    const cors = await load('@koa/cors')
    const origin = 'https://www.example.com'
    const scene = await start(t, order, [cors({ origin, exposeHeaders: [...exposedHeaders] })])
    const headers = { Origin: origin }

    const login = await scene.send({ ...headers, ...(await scene.login()) })
    const refused = await scene.send({ ...headers, ...DEAD })
    const preflight = await supertest(scene.url)
      .options('/')
      .set({ ...headers, 'Access-Control-Request-Method': 'GET' })

    t.is(login.get('Access-Control-Allow-Origin'), origin)
    const exposed = login.get('Access-Control-Expose-Headers')?.split(',') ?? []
    for (const name of ['X-WX-Login', 'X-WX-Session']) {
      t.truthy(login.get(name))
      t.true(exposed.includes(name), name)
    }
    t.is(preflight.status, 204)
    isRefused(t, refused, 'ERR_SESSION_EXPIRED', 401)
    t.is(refused.get('Access-Control-Allow-Origin'), order === 'before' ? origin : undefined)
  },
)

neighbour(
  'koa-helmet',
  { before: 'its headers are on every answer', after: 'its headers are not on refusals' },
  async (t, order) => {
    const helmet = await load('koa-helmet')
    const scene = await start(t, order, [helmet()])

    const login = await scene.send(await scene.login())
    const refused = await scene.send(DEAD)

    t.is(login.get('X-WX-Login'), 'accepted')
    t.is(login.get('X-Content-Type-Options'), 'nosniff')
    t.is(refused.get('X-Content-Type-Options'), order === 'before' ? 'nosniff' : undefined)
  },
)

neighbour(
  'koa-compress',
  {
    before: 'compresses every answer',
    after: 'compresses what handlers answer; a conflict is sent as it is',
  },
  async (t, order) => {
    const compress = await load('koa-compress')
    let waiting = 0
    const scene = await start(t, order, [compress({ threshold: 0 })], {
      handler: async (ctx) => {
        if (ctx.path !== '/' && ctx.$wxSession) {
          ctx.$wxSession.data.seat = ctx.path
          waiting += 1
          await until(() => waiting === 2)
        }
        ctx.body = { long: 'tea '.repeat(500) }
      },
    })

    const login = await scene.send(await scene.login())
    const answers = await Promise.all(['/a', '/b'].map((path) => scene.send(kept(login), path)))

    const [won, lost] = answers.sort((a, b) => a.status - b.status) as [Response, Response]
    t.is(won.body.long.length, 2000)
    t.truthy(won.get('Content-Encoding'))
    isRefused(t, lost, 'ERR_SESSION_CONFLICT', 409)
    t.is(lost.get('Content-Encoding') !== undefined, order === 'before')
  },
)

neighbour(
  'koa-etag',
  {
    before: 'with `koa-conditional-get`: a 304 of a login says that it was accepted',
    after: 'the same',
  },
  async (t, order) => {
    const [conditional, etag] = [await load('koa-conditional-get'), await load('koa-etag')]
    const scene = await start(t, order, [conditional(), etag()])
    const first = await scene.send(await scene.login())
    const tag = { 'If-None-Match': first.get('ETag') ?? '' }

    const again = await scene.send({ ...kept(first), ...tag })
    const login = await scene.send({ ...(await scene.login()), ...tag })

    t.is(again.status, 304)
    t.is(login.status, 304)
    t.is(login.get('X-WX-Login'), 'accepted')
    t.truthy(login.get('X-WX-Session'))
    t.is(login.get('Cache-Control'), 'no-store')
    isRefused(t, await scene.send({ ...DEAD, ...tag }), 'ERR_SESSION_EXPIRED', 401)
  },
)

neighbour(
  'koa-mount',
  {
    before: 'what is mounted before has no session',
    after:
      'what is mounted after has the session; a session that is mounted itself has `loginPath` below its path',
  },
  async (t, order) => {
    const mount = await load('koa-mount')
    const below: Middleware = (ctx) => {
      ctx.body = { openId: ctx.$wxUserInfo?.openId ?? null }
    }
    const scene = await start(t, order, [mount('/api', below)])
    const login = await scene.send(await scene.login())
    const inside = await scene.send(kept(login), '/api')
    t.is(inside.body.openId, order === 'before' ? null : login.body.openId)

    const wechat = startWechat(t)
    const { appId, appSecret, fetch } = wechat
    const mounted = weappSession({ appId, appSecret, wechat: { fetch }, loginPath: '/login' })
    const app = new ((await load('koa')) as unknown as typeof Koa)()
    app.use(mount('/api', mounted))
    const url = await listen(t, app)
    const code = await newCode(wechat.phone('bob'))
    const { body } = await supertest(url).post('/api/login').send({ code })
    t.is(body.login, 'accepted')
  },
)

neighbour(
  'koa-session',
  { before: '`ctx.session` and `ctx.$wxSession` each have their own cookie', after: 'the same' },
  async (t, order) => {
    const koaSession = await load('koa-session')
    const options = { carrier: CARRIERS.cookie() }
    // It reads `app.keys`, so it is made with the app.
    const late: { middleware?: Middleware } = {}
    const scene = await start(t, order, [(ctx, next) => late.middleware?.(ctx, next) ?? next()], {
      options,
      handler: (ctx) => {
        const own = ctx.session as unknown as { views?: number }
        own.views = (own.views ?? 0) + 1
        ctx.body = { openId: ctx.$wxUserInfo?.openId, views: own.views }
      },
    })
    late.middleware = koaSession(scene.app)

    const login = await scene.send(await scene.login())
    const later = await scene.send(kept(login))

    const names = (login.get('Set-Cookie') ?? []).map((line) => line.split('=')[0])
    t.true(names.includes('koa.sess'))
    t.true(names.some((name) => name?.endsWith('wx-session')))
    t.deepEqual(later.body, { openId: login.body.openId, views: 2 })
  },
)

neighbour(
  'koa-ratelimit',
  {
    before: 'a login beyond the limit is refused before its code is spent',
    after: 'can count by `ctx.$wxUserInfo.openId`; a login beyond the limit has happened',
  },
  async (t, order) => {
    const ratelimit = await load('koa-ratelimit')
    const limit = ratelimit({
      driver: 'memory',
      db: new Map(),
      max: 1,
      id: (ctx: Context) => ctx.$wxUserInfo?.openId ?? ctx.ip,
    })
    const scene = await start(t, order, [limit])
    t.is((await scene.send(await scene.login())).status, 200)

    const beyond = await scene.send(await scene.login())
    const other = await scene.send(await scene.login('bob'))

    t.is(beyond.status, 429)
    t.is(beyond.get('X-WX-Login'), order === 'before' ? undefined : 'accepted')
    t.is(other.status, order === 'before' ? 429 : 200)
  },
)

neighbour(
  'koa-static',
  { before: 'files need no good credential', after: 'a dead credential gets no file' },
  async (t, order) => {
    const files = await load('koa-static')
    const folder = await mkdtemp(join(tmpdir(), 'weapp-files-'))
    t.teardown(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'logo.txt'), 'a logo')
    const scene = await start(t, order, [files(folder)])

    const login = await scene.send(await scene.login(), '/logo.txt')
    const dead = await scene.send(DEAD, '/logo.txt')

    t.is(login.text, 'a logo')
    t.is(login.get('X-WX-Login'), order === 'before' ? undefined : 'accepted')
    t.is(dead.status, order === 'before' ? 200 : 401)
  },
)
