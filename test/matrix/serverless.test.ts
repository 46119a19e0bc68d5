/** Functions instead of servers: serverless-http makes requests of the events of API gateways. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type Koa from 'koa'
import { redisStore, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { isInMatrix, versionIn } from '../support/matrix-row.js'
import { useRedis } from '../support/redis.js'
import { CARRIERS } from '../support/visitor.js'
import { codeLoginHeaders, newCode, startWechat } from '../support/wechat.js'
import { type Installed, install } from './support/install.js'

const redis = useRedis(test)
let installed: Installed

test.before('serverless: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('serverless')
})

test.after.always(() => installed?.remove())

type Event = object
interface Result {
  statusCode: number
  headers: Record<string, string>
  body: string
}
interface Asked {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
}

/** The events of one request, as each gateway writes them. */
const EVENTS: Record<string, (asked: Required<Asked>) => Event> = {
  'AWS API Gateway, 1.0': ({ method, path, headers, body }) => ({
    version: '1.0',
    httpMethod: method,
    path,
    headers,
    body,
    isBase64Encoded: false,
    requestContext: { stage: '$default' },
  }),
  'AWS API Gateway, 2.0': ({ method, path, headers, body }) => ({
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers,
    body,
    isBase64Encoded: false,
    requestContext: { http: { method, path, sourceIp: '127.0.0.1' } },
  }),
  // 腾讯云 SCF, behind its API gateway.
  'SCF API gateway': ({ method, path, headers, body }) => ({
    requestContext: { path, httpMethod: method, stage: 'release', sourceIp: '127.0.0.1' },
    httpMethod: method,
    path,
    headers,
    queryString: {},
    body,
  }),
}

async function start(t: ExecutionContext, event: (asked: Required<Asked>) => Event) {
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const load = createRequire(join(installed.folder, 'package.json'))
  const serverless: (app: Koa) => (event: Event, context: object) => Promise<Result> = load('serverless-http')
  const common: WeappSessionOptions = { appId, appSecret, wechat: { fetch }, loginPath: '/login' }

  // Once: each call gives another prefix.
  const { options } = redis()
  /** Each is another instance of the function, as after a cold start. */
  const cold = () => {
    const store = redisStore(options)
    const session = weappSession({ ...common, carrier: CARRIERS.header(), store })
    t.teardown(() => session.close())
    const app: Koa = new (load('koa'))()
    app.use(session)
    app.use(async (ctx) => {
      const data = ctx.$wxSession?.data ?? {}
      data.count = Number(data.count ?? 0) + 1
      ctx.body = { openId: ctx.$wxUserInfo?.openId ?? null, count: data.count }
    })
    const handler = serverless(app)
    return ({ method = 'GET', path = '/', headers = {}, body = '' }: Asked) =>
      handler(event({ method, path, headers, body }), {})
  }
  return { wechat, cold }
}

for (const [name, event] of Object.entries(EVENTS)) {
  test(`serverless-http, ${name}: logs in, by headers and by loginPath, and other instances know the session`, async (t) => {
    const { wechat, cold } = await start(t, event)
    const { openId } = wechat.user('alice')
    const first = cold()

    const login = await first({ headers: await codeLoginHeaders(wechat.phone('alice')) })
    const alice = { 'X-WX-Session': login.headers['x-wx-session'] ?? '' }
    const later = await cold()({ headers: alice })
    const code = await newCode(wechat.phone('bob'))
    const headers = { 'content-type': 'application/json' }
    const byPath = await first({ method: 'POST', path: '/login', headers, body: JSON.stringify({ code }) })
    const refused = await first({ headers: { 'X-WX-Session': 'of nobody' } })

    t.is(login.headers['x-wx-login'], 'accepted')
    t.is(login.headers['cache-control'], 'no-store')
    t.deepEqual(JSON.parse(later.body), { openId, count: 2 })
    t.is(JSON.parse(byPath.body).login, 'accepted', byPath.body)
    t.is(refused.statusCode, 401)
    isInMatrix(t, 'docs/frameworks.md', [name, versionIn(installed.folder, 'serverless-http'), 'logs in'])
  })
}
