import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'ava'
import { packServer, packSimulator, root, run } from './support/pack.js'

let folder: string
/** A project that has the packages, and nothing else but what their manifests name. */
let project: string

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weapp-packages-'))
  const [server, simulator] = await Promise.all([packServer(folder), packSimulator(folder)])
  project = await mkdtemp(join(tmpdir(), 'weapp-types-'))
  await unpack(server.path, 'koa-weapp-session')
  await unpack(simulator.path, 'weapp-simulator')
  for (const name of [
    ...dependenciesOf('package.json'),
    ...dependenciesOf('simulator/package.json'),
    ...TYPES,
  ])
    await link(name)
})

test.after.always(async () => {
  for (const path of [folder, project].filter(Boolean)) await rm(path, { recursive: true, force: true })
})

const USES = `
  import type Koa from 'koa'
  import { redisStore, requireWxUser, weappSession, type WxUserInfo } from 'koa-weapp-session'
  import { storeContract } from 'koa-weapp-session/testing'
  import { createWechat } from 'weapp-simulator'

  declare module 'koa-weapp-session' { interface SessionData { cart?: string[] } }

  export function use(app: Koa): string[] {
    const { appId, appSecret, fetch } = createWechat()
    const session = weappSession({ appId, appSecret, wechat: { fetch }, store: redisStore({ url: 'redis://x' }) })
    app.use(session).use((ctx, next) => {
      // @ts-expect-error a user may be missing
      ctx.$wxUserInfo.openId
      return next()
    })
    app.use(requireWxUser()).use((ctx) => {
      const user: WxUserInfo = ctx.$wxUserInfo
      const cart: string[] | undefined = ctx.$wxSession.data.cart
      // @ts-expect-error no such field
      ctx.$wxUserInfo.isAdmin
      // @ts-expect-error no such name
      ctx.$wxSession.data.basket
      ctx.body = { user, cart }
    })
    return storeContract.map(({ name }) => name)
  }`

const newest = join(root, 'node_modules/typescript/bin/tsc')
// attw brings a compiler of its own: the tools of mini programs have one as old.
const old = join(root, 'node_modules/@arethetypeswrong/core/node_modules/typescript/bin/tsc')

test('types: they work with compilers new and old, however they find modules', async (t) => {
  await writeFile(join(project, 'uses.mts'), USES)
  await writeFile(join(project, 'uses.ts'), USES)
  const flags = ['--noEmit', '--strict', '--target', 'ES2022', '--types', 'node', '--skipLibCheck']
  const modes: [string, string[]][] = [
    [newest, ['--module', 'nodenext', 'uses.mts']],
    [newest, ['--module', 'esnext', '--moduleResolution', 'bundler', 'uses.ts']],
    [old, ['--module', 'node16', 'uses.mts']],
    [old, ['--module', 'esnext', '--moduleResolution', 'bundler', 'uses.ts']],
    [old, ['--module', 'commonjs', '--moduleResolution', 'node10', '--esModuleInterop', 'uses.ts']],
  ]

  await Promise.all(
    modes.map(async ([tsc, mode]) => {
      if (!existsSync(tsc)) return t.log(`SKIPPED: there is no old TypeScript at ${tsc.slice(root.length)}`)
      const { version } = createRequire(tsc)('../package.json')
      const done = run(process.execPath, [tsc, ...flags, ...mode], { cwd: project })
      const problem = await done.then(
        () => '',
        ({ stdout }) => stdout,
      )
      t.is(problem, '', `${version} ${mode.join(' ')}`)
      t.log(`TypeScript ${version}: ${mode.join(' ')}`)
    }),
  )
})

// Other versions, Midway and Egg: test/frameworks/types.test.ts.
test('types: Koa and its routers take the middleware, narrow, and refuse what is wrong', async (t) => {
  const folder = join(project, 'koa')
  const facts = join(root, 'test/frameworks/types')
  await cp(join(facts, 'koa'), folder, { recursive: true })
  await cp(join(facts, 'equal.ts'), join(folder, 'equal.ts'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')

  const { stdout } = await run(process.execPath, [newest, '-p', folder]).catch((error) => error)

  t.is(stdout, '')
})

/** What projects have beside them: a newcomer's, and the one with routers. */
const TYPES = ['@types/node', '@koa/router', 'koa-router', '@types/koa-router']

async function unpack(tarball: string, name: string): Promise<void> {
  const to = join(project, 'node_modules', name)
  await mkdir(to, { recursive: true })
  await run('tar', ['-xzf', tarball, '-C', to, '--strip-components=1'])
}

function dependenciesOf(manifest: string): string[] {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, manifest), 'utf8'))
  return Object.keys({ ...dependencies, ...peerDependencies })
}

/** As npm would install it, at the version that this project has. */
async function link(name: string): Promise<void> {
  const path = join(project, 'node_modules', name)
  await mkdir(dirname(path), { recursive: true })
  if (!existsSync(path)) await symlink(join(root, 'node_modules', name), path)
}
