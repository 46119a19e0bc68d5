import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { WeappSessionError } from 'koa-weapp-session'
import { wxSession, wxUser } from 'koa-weapp-session/bridge'
import { failure, put, take } from './shop.mjs'

export async function route(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://server')
  const handler = handlers[pathname.slice(1)]
  if (!handler) throw failure('no such route', 404)
  await handler(req, res, searchParams.get('key'))
}

/** The server's error handler. */
export function fail(error, res) {
  res.writeHead(error.status ?? 500, error instanceof WeappSessionError ? error.headers : undefined)
  res.end(error.message)
}

const send = (res, body) => {
  res.setHeader('Content-Type', 'application/json')
  res.end(JSON.stringify(body))
}

export const members = (req, res) => send(res, { user: wxUser(req) })

const handlers = {
  me: (req, res) => send(res, { user: wxUser(req) }),
  throws() {
    throw failure('planted: a handler has thrown')
  },
  'not-found'() {
    throw failure('planted', 404)
  },
  redirects: (_, res) => res.writeHead(302, { Location: '/me' }).end(),
  streams: (_, res) => void Readable.from(['one ', 'two']).pipe(res),
  'own-cookie'(req, res) {
    res.setHeader('Set-Cookie', 'own=1; path=/')
    res.setHeader('Cache-Control', 'public')
    send(res, { user: wxUser(req) })
  },
  'by-hand'(_, res) {
    res.writeHead(200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
    res.end('by hand')
  },
  'by-hand-from-a-list'(_, res) {
    res.writeHead(200, 'OK', ['Set-Cookie', 'own=1; path=/', 'Cache-Control', 'public'])
    res.end('by hand')
  },
  async refused(req) {
    await wxSession(req)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
  },
  async 'rotates-and-throws'(req) {
    await wxSession(req)?.rotate()
    throw failure('planted: a handler has thrown after rotate()')
  },
  async 'ends-and-is-gone'(req) {
    await wxSession(req)?.destroy()
    throw failure('planted', 410)
  },
  puts: async (req, res, key) => send(res, await put(wxSession(req), key)),
  async 'puts-and-fails'(req, _, key) {
    await put(wxSession(req), key)
    throw failure('planted', 404)
  },
  takes: async (req, res, key) => send(res, await take(wxSession(req), wxUser(req), key)),
  echo: async (req, res) => send(res, { user: wxUser(req), body: await json(req) }),
  never() {},
}
