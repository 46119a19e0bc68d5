// server.mjs
import Fastify from 'fastify'
import { weappSession } from 'koa-weapp-session'
import { fastifyBridge, wxUser } from 'koa-weapp-session/bridge'
import { routes } from './routes.mjs'
import { options } from './weapp.mjs'

const session = weappSession(options)
const weapp = fastifyBridge(session)
const fastify = Fastify()
await fastify.register(weapp)
fastify.get('/members', { preHandler: weapp.requireUser }, async (request) => ({ user: wxUser(request) }))
await fastify.register(routes)
await fastify.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
