// src/config/middleware.js
const { weappSession } = require('koa-weapp-session')
const { options } = require('../weapp.mjs')

module.exports = [
  'meta',
  // Without `error`, it prints the headers of the request with each error, and the credential among them.
  {
    handle: 'trace',
    options: { debug: think.env === 'development', error: (error) => console.error(error) },
  },
  // Before `payload`, which puts a body where `loginPath` does not look for it.
  weappSession(options),
  'payload',
  'router',
  'logic',
  'controller',
]
