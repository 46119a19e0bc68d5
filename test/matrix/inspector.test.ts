/** The inspector in an app of somebody else, as one line more: beside the middleware that such apps have. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type Koa from 'koa'
import type { Context, Middleware } from 'koa'
import { headerCarrier, weappSession } from 'koa-weapp-session'
import { inspector } from 'koa-weapp-session/inspector'
import { act, listen } from '../support/inspected.js'
import { loginHeaders, namedPhone, startWechat } from '../support/wechat.js'
import { type Installed, install, loadMiddleware } from './support/install.js'

let installed: Installed

test.before('inspector(): its neighbours are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('neighbours')
})

test.after.always(() => installed?.remove())

const load = (name: string) => loadMiddleware(installed, name)

/** A small shop's API, as many have it. The middleware that is added is the only thing that is not theirs. */
async function startShop(
  t: ExecutionContext,
  place: 'first' | 'last',
): Promise<{ url: string; login(): Promise<Record<string, string>> }> {
  const [helmet, cors, compress, bodyParser, mount, session] = (await Promise.all(
    ['koa-helmet', '@koa/cors', 'koa-compress', 'koa-bodyparser', 'koa-mount', 'koa-session'].map(load),
  )) as [
    () => Middleware,
    () => Middleware,
    (options: object) => Middleware,
    () => Middleware,
    (path: string, what: Middleware) => Middleware,
    (options: object, app: Koa) => Middleware,
  ]
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new ((await load('koa')) as unknown as typeof Koa)()
  app.silent = true
  app.keys = ['a key of theirs']
  const inspect = inspector()
  t.teardown(() => inspect.close())

  if (place === 'first') app.use(inspect)
  app.use(async (ctx, next) => {
    const began = Date.now()
    await next()
    ctx.set('X-Response-Time', `${Date.now() - began}ms`)
  })
  app.use(helmet())
  app.use(cors())
  app.use(compress({ threshold: 0 }))
  app.use(bodyParser())
  app.use(session({}, app))
  if (place === 'last') app.use(inspect)
  app.use(
    weappSession({
      ...{ appId, appSecret, wechat: { fetch } },
      carrier: headerCarrier({ keys: 'k'.repeat(32) }),
    }),
  )
  app.use(
    mount('/api', async (ctx: Context) => {
      if (ctx.path === '/orders') ctx.body = { orders: [], sent: (ctx.request as { body?: unknown }).body }
      else ctx.status = 404
    }),
  )
  const server = createServer(app.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, login: () => loginHeaders(namedPhone(wechat, '小明')) }
}

for (const place of ['first', 'last'] as const)
  test(`inspector(): one line in somebody's app, ${place} of their middleware, shows its requests`, async (t) => {
    const shop = await startShop(t, place)
    const page = await listen(t, shop.url)
    const sent = {
      ...{ method: 'POST', body: '{"add":"tea"}' },
      headers: { ...(await shop.login()), 'Content-Type': 'application/json' },
    }
    const answer = await fetch(`${shop.url}/api/orders`, sent)
    t.deepEqual(await answer.json(), { orders: [], sent: { add: 'tea' } })
    await fetch(`${shop.url}/api/nothing`)

    const entry = await page.request('/api/orders')
    t.is(entry.body?.text, '{"add":"tea"}')
    t.is(entry.response?.status, 200)
    t.like(
      entry.steps.find(({ kind }) => kind === 'identify'),
      { by: 'login' },
    )
    // Compressed after it, or before: it says so rather than show bytes.
    t.is(entry.response?.body?.hidden, 'encoded')
    t.is((await page.request('/api/nothing')).response?.status, 404)

    t.is((await act(shop.url, 'replay', { id: entry.id })).status, 200)
    const html = await fetch(`${shop.url}/__weapp`)
    t.is(html.status, 200)
    t.regex(html.headers.get('content-security-policy') ?? '', /^default-src 'self';.*frame-ancestors 'self'/)
    t.regex(await html.text(), /<script type="module" src="__weapp\/page.js">/)
    t.is((await fetch(`${shop.url}/__weapp/page.js`)).status, 200)
    t.is((await fetch(`${shop.url}/__weapp/nothing.js`)).status, 404)
  })
