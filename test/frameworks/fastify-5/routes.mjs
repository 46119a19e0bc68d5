import { Readable } from 'node:stream'
import { wxSession, wxUser } from 'koa-weapp-session/bridge'
import { failure, put, take } from './shop.mjs'

export async function routes(fastify) {
  fastify.get('/me', async (request) => ({ user: wxUser(request) }))
  fastify.get('/throws', async () => {
    throw failure('planted: a handler has thrown')
  })
  fastify.get('/not-found', async () => {
    throw failure('planted', 404)
  })
  fastify.get('/redirects', async (_, reply) => reply.redirect('/me'))
  fastify.get('/streams', async (_, reply) => reply.type('text/plain').send(Readable.from(['one ', 'two'])))
  fastify.get('/own-cookie', async (request, reply) => {
    reply.headers({ 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
    return { user: wxUser(request) }
  })
  fastify.get('/by-hand', async (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'Set-Cookie': 'own=1; path=/', 'Cache-Control': 'public' })
    reply.raw.end('by hand')
  })
  fastify.get('/by-hand-from-a-list', async (_, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, 'OK', ['Set-Cookie', 'own=1; path=/', 'Cache-Control', 'public'])
    reply.raw.end('by hand')
  })
  fastify.get('/refused', async (request) => {
    await wxSession(request)?.decrypt({ encryptedData: 'of nobody', iv: 'none' })
  })
  fastify.get('/rotates-and-throws', async (request) => {
    await wxSession(request)?.rotate()
    throw failure('planted: a handler has thrown after rotate()')
  })
  fastify.get('/ends-and-is-gone', async (request) => {
    await wxSession(request)?.destroy()
    throw failure('planted', 410)
  })
  fastify.get('/puts', async (request) => put(wxSession(request), request.query.key))
  fastify.get('/puts-and-fails', async (request) => {
    await put(wxSession(request), request.query.key)
    throw failure('planted', 404)
  })
  fastify.get('/takes', async (request) => take(wxSession(request), wxUser(request), request.query.key))
  fastify.post('/echo', async (request) => ({ user: wxUser(request), body: request.body }))
  fastify.get('/never', () => new Promise(() => {}))
}
