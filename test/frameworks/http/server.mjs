// server.mjs
import { createServer } from 'node:http'
import { weappSession } from 'koa-weapp-session'
import { nodeBridge } from 'koa-weapp-session/bridge'
import { fail, members, route } from './routes.mjs'
import { options } from './weapp.mjs'

const session = weappSession(options)
const weapp = nodeBridge(session)

createServer((req, res) => {
  weapp(req, res, async (error) => {
    try {
      if (error) throw error
      // `wxUser(req)` is the user, `wxSession(req)` the session.
      if (req.url === '/members') weapp.requireUser(req, res, () => members(req, res))
      else await route(req, res)
    } catch (error) {
      weapp.onError(error, req, res, () => fail(error, res))
    }
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
