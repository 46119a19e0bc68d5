// production.js
const Application = require('thinkjs')

new Application({ ROOT_PATH: __dirname, env: 'production' }).run()
