// config/plugin.js
const { join } = require('node:path')

exports.weappSession = { enable: true, path: join(__dirname, '../lib/plugin/egg-weapp-session') }
