/** Compiles the client to ES5 with Babel 6. Arguments: plugins, each as JSON. */
const { readFileSync } = require('node:fs')
const babel = require('babel-core')

const client = readFileSync(require.resolve('weapp-session-client'), 'utf8')
const plugins = process.argv.slice(2).map((plugin) => JSON.parse(plugin))

process.stdout.write(babel.transform(client, { babelrc: false, presets: ['env'], plugins }).code)
