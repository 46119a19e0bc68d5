// server.mjs
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { WeappSessionError, weappSession } from 'koa-weapp-session'
import { honoBridge, wxUser } from 'koa-weapp-session/bridge'
import { routes } from './routes.mjs'
import { options } from './weapp.mjs'

const session = weappSession(options)
const weapp = honoBridge(session)
const app = new Hono()
app.use(weapp)
app.get('/members', weapp.requireUser, (c) => c.json({ user: wxUser(c) }))
app.route('/', routes)
// Hono's own error handler knows the status of HTTPException alone.
app.onError((error, c) => {
  if (error instanceof WeappSessionError) return Response.json(error, { status: error.status })
  return error instanceof HTTPException ? error.getResponse() : c.text('Internal Server Error', 500)
})
serve({ fetch: app.fetch, port: Number(process.env.PORT), hostname: '127.0.0.1' })
