// server.mjs
import express from 'express'
import { weappSession } from 'koa-weapp-session'
import { nodeBridge, wxUser } from 'koa-weapp-session/bridge'
import { routes } from './routes.mjs'
import { options } from './weapp.mjs'

const session = weappSession(options)
const weapp = nodeBridge(session)
const app = express()
// Before what needs a user; after what answers without one.
app.use(weapp)
app.use(express.json())
app.get('/members', weapp.requireUser, (req, res) => {
  res.json({ user: wxUser(req) })
})
app.use(routes)
// After the routes: what they throw passes here on its way to the error handler.
app.use(weapp.onError)
app.listen(Number(process.env.PORT), '127.0.0.1')
