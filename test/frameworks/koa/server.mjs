// server.mjs
import Koa from 'koa'
import { weappSession } from 'koa-weapp-session'
import { routes } from './routes.mjs'
import { options } from './weapp.mjs'

const session = weappSession(options)
const app = new Koa()
// Before what needs a user; after what answers without one.
app.use(session)
app.use(routes)
app.listen(Number(process.env.PORT), '127.0.0.1')
