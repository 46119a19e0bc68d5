import { Readable } from 'node:stream'
import express from 'express'
import { wxSession, wxUser } from 'koa-weapp-session/bridge'
import { failure, put, take } from './shop.mjs'

export const routes = express.Router()

/** Express 4 waits for no promise. */
const route = (path, handler) =>
  routes.all(path, (req, res, next) => {
    Promise.resolve(handler(req, res)).catch(next)
  })

routes.all('/me', (req, res) => void res.json({ user: wxUser(req) }))
routes.all('/throws', () => {
  throw failure('planted: a handler has thrown')
})
routes.all('/not-found', () => {
  throw failure('planted', 404)
})
routes.all('/redirects', (_, res) => res.redirect('/me'))
routes.all('/streams', (_, res) => {
  Readable.from(['one ', 'two']).pipe(res.type('text/plain'))
})
routes.all('/own-cookie', (req, res) => {
  res.set({ 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' }).json({ user: wxUser(req) })
})
routes.all('/by-hand', (_, res) => {
  res.writeHead(200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
  res.end('by hand')
})
routes.all('/by-hand-from-a-list', (_, res) => {
  res.writeHead(200, 'OK', ['Set-Cookie', 'own=1; path=/', 'Cache-Control', 'public'])
  res.end('by hand')
})
route('/refused', async (req) => {
  await wxSession(req)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
})
route('/rotates-and-throws', async (req) => {
  await wxSession(req)?.rotate()
  throw failure('planted: a handler has thrown after rotate()')
})
route('/ends-and-is-gone', async (req) => {
  await wxSession(req)?.destroy()
  throw failure('planted', 410)
})
route('/puts', async (req, res) => {
  res.json(await put(wxSession(req), req.query.key))
})
route('/puts-and-fails', async (req) => {
  await put(wxSession(req), req.query.key)
  throw failure('planted', 404)
})
route('/takes', async (req, res) => {
  res.json(await take(wxSession(req), wxUser(req), req.query.key))
})
routes.post('/echo', (req, res) => void res.json({ user: wxUser(req), body: req.body }))
routes.all('/never', () => {})
