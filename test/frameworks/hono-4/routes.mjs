import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { wxSession, wxUser } from 'koa-weapp-session/bridge'
import { put, take } from './shop.mjs'

/** @type {Hono<{ Bindings: import('@hono/node-server').HttpBindings }>} */
export const routes = new Hono()

routes.get('/me', (c) => c.json({ user: wxUser(c) }))
routes.get('/throws', () => {
  throw new Error('planted: a handler has thrown')
})
routes.get('/not-found', () => {
  throw new HTTPException(404)
})
routes.get('/redirects', (c) => c.redirect('/me'))
routes.get('/streams', () => new Response(new Blob(['one ', 'two']).stream()))
routes.get('/own-cookie', (c) =>
  c.json({ user: wxUser(c) }, 200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' }),
)
routes.get('/by-hand', (c) => {
  c.env.outgoing.writeHead(200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
  c.env.outgoing.end('by hand')
  return RESPONSE_ALREADY_SENT
})
routes.get('/by-hand-from-a-list', (c) => {
  c.env.outgoing.writeHead(200, 'OK', ['Set-Cookie', 'own=1; path=/', 'Cache-Control', 'public'])
  c.env.outgoing.end('by hand')
  return RESPONSE_ALREADY_SENT
})
routes.get('/refused', async (c) => {
  await wxSession(c)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
})
routes.get('/rotates-and-throws', async (c) => {
  await wxSession(c)?.rotate()
  throw new Error('planted: a handler has thrown after rotate()')
})
routes.get('/ends-and-is-gone', async (c) => {
  await wxSession(c)?.destroy()
  throw new HTTPException(410)
})
routes.get('/puts', async (c) => c.json(await put(wxSession(c), c.req.query('key'))))
routes.get('/puts-and-fails', async (c) => {
  await put(wxSession(c), c.req.query('key'))
  throw new HTTPException(404)
})
routes.get('/takes', async (c) => c.json(await take(wxSession(c), wxUser(c), c.req.query('key'))))
routes.post('/echo', async (c) => c.json({ user: wxUser(c), body: await c.req.json() }))
routes.get('/never', () => new Promise(() => {}))
