/** Compiles a file of the client to ES5 with Babel 6. Arguments: the file, and plugins, each as JSON. */
const { readFileSync } = require('node:fs')
const babel = require('babel-core')

const [file, ...rest] = process.argv.slice(2)
const client = readFileSync(require.resolve(`weapp-session-client/dist/${file}`), 'utf8')
const plugins = rest.map((plugin) => JSON.parse(plugin))

process.stdout.write(babel.transform(client, { babelrc: false, presets: ['env'], plugins }).code)
