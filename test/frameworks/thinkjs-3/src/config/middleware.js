// src/config/middleware.js
const { weappSession } = require('koa-weapp-session')
const { options } = require('../weapp.mjs')

module.exports = [
  'meta',
  { handle: 'trace', options: { debug: think.env === 'development' } },
  // Before `payload`, which puts a body where `loginPath` does not look for it.
  weappSession(options),
  'payload',
  'router',
  'logic',
  'controller',
]
