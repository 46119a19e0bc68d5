// app/middleware/weapp_session.js
const { weappSession } = require('koa-weapp-session')
const { options } = require('../../weapp.mjs')

module.exports = (_options, app) => {
  const session = weappSession(options)
  app.beforeClose(() => session.close())
  return session
}
