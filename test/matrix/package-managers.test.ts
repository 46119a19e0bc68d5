/** The packed server in a project of each package manager. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { packServer, run } from '../packages/support/pack.js'
import { isInMatrix } from '../support/matrix-row.js'
import { type Installed, install } from './support/install.js'

let installed: Installed
let folder: string
let tarball: string

test.before('package managers: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('package-managers', [])
  folder = await mkdtemp(join(tmpdir(), 'weapp-managers-'))
  tarball = (await packServer(folder)).path
})

test.after.always(async () => {
  await installed?.remove()
  if (folder) await rm(folder, { recursive: true, force: true })
})

interface Manager {
  /** The program, in the folder of the managers; npm is there anyway. */
  program?: string
  args: string[]
  env?(): Promise<Record<string, string>>
}

const MANAGERS: Record<string, Manager> = {
  npm: { args: ['install', '--no-audit', '--no-fund', '--prefer-offline'] },
  pnpm: { program: 'pnpm/bin/pnpm.cjs', args: ['install'] },
  'Yarn 1': { program: 'yarn/bin/yarn.js', args: ['install', '--non-interactive'] },
  'Yarn 4': {
    program: '@yarnpkg/cli-dist/bin/yarn.js',
    args: ['install'],
    env: yarn4Settings,
  },
}

for (const [name, { program, args, env: settings }] of Object.entries(MANAGERS)) {
  test.serial(`${name}: installs the package, and warns of nothing`, async (t) => {
    t.timeout(180_000)
    const project = join(folder, name)
    const manifest = {
      name: 'app',
      version: '1.0.0',
      private: true,
      license: 'MIT',
      type: 'module',
      dependencies: { koa: '^3.3.0', 'koa-weapp-session': `file:${tarball}`, redis: '^6.3.1' },
      devDependencies: { '@types/koa': '^3.0.3' },
    }
    await mkdir(project)
    await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
    const file = program ? process.execPath : 'npm'
    const first = program ? [join(installed.folder, 'node_modules', program)] : []
    // Yarn 4 looks for CI, and changes no lock file there.
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      npm_config_cafile: process.env.npm_config_cafile,
      CI: '',
      ...(await settings?.()),
    }

    const { stdout, stderr } = await run(file, [...first, ...args], { cwd: project, env, timeout: 170_000 })

    const warnings = `${stdout}\n${stderr}`.split('\n').filter((line) => /warn/i.test(line))
    t.deepEqual(warnings, [])
    const script = "import('koa-weapp-session').then(({ weappSession }) => console.log(typeof weappSession))"
    const { stdout: said } = await run(process.execPath, ['-e', script], { cwd: project })
    t.is(said, 'function\n')
    const { stdout: version } = await run(file, [...first, '--version'], { cwd: project, env })
    isInMatrix(t, 'docs/frameworks.md', [
      name,
      program ? version.trim() : 'Node’s own',
      'installs, no warning',
    ])
  })
}

/** Yarn 4 reads nothing of npm's settings: where packages are, and whose certificates are trusted. */
async function yarn4Settings(): Promise<Record<string, string>> {
  const cafile = await npmSetting('cafile')
  return {
    YARN_NPM_REGISTRY_SERVER: await npmSetting('registry'),
    ...(cafile !== 'null' && { YARN_HTTPS_CA_FILE_PATH: cafile }),
    YARN_ENABLE_TELEMETRY: '0',
    // Node finds packages by itself in a node_modules alone.
    YARN_NODE_LINKER: 'node-modules',
  }
}

async function npmSetting(name: string): Promise<string> {
  const { stdout } = await run('npm', ['config', 'get', name])
  return stdout.trim()
}
