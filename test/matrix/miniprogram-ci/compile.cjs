/**
 * Packs the npm packages of a mini program and compiles it, by WeChat's own tools, as for an upload.
 * Arguments: its folder, a folder for the result, and the setting of the compiler as JSON.
 */
const { generateKeyPairSync } = require('node:crypto')
const dns = require('node:dns')
const { mkdirSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const ci = require('miniprogram-ci')

const [projectPath, result, setting] = process.argv.slice(2)
const appid = 'wx1234567890abcdef'

// Nothing is asked of the network: what cannot do without it fails at once.
dns.lookup = (name, ...rest) => rest.at(-1)(new Error(`needs the network: ${name}`))

compile().then(
  () => process.exit(0),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)

async function compile() {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const project = new ci.Project({
    appid,
    type: 'miniProgram',
    projectPath,
    // Signs requests to WeChat, of which none is made.
    privateKey: key.export({ type: 'pkcs1', format: 'pem' }),
    ignores: ['node_modules/**/*', 'sub/node_modules/**/*'],
  })
  // What WeChat would be asked: the limits of this AppID.
  project.attr = async () => ({ ...ci.DefaultProjectAttr, appid })
  const packed = []
  const warnings = await ci.packNpm(project, { reporter: (report) => packed.push(report) })
  const options = { project, version: '1.0.0', desc: 'a test', onProgressUpdate() {} }
  const files = await ci.getCompiledResult({ ...options, setting: JSON.parse(setting) })
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(result, name)), { recursive: true })
    writeFileSync(join(result, name), content)
  }
  const numbers = packed.map(({ miniprogram_pack_num }) => miniprogram_pack_num)
  writeFileSync(join(result, 'packed.json'), JSON.stringify({ packages: numbers[0], warnings }))
}
