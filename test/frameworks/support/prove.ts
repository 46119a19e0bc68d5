import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Wechat } from '../../../simulator/src/index.js'
import { isInMatrix, versionIn } from '../../support/matrix-row.js'
import { trace } from '../../support/trace.js'
import { CARRIERS, type CarrierName } from '../../support/visitor.js'
import { CASES, type Case, FAMILIES } from '../cases.js'
import { type App, startApp } from './app.js'
import { type Framework, type Installed, install, koasIn } from './install.js'

export interface Proof extends Framework {
  /** The version of the one Koa that is there, when everything is installed. */
  koa: RegExp
  /** Versions of those that a package of the framework brings for itself, and no app is made of. */
  otherKoas?: string[]
  /** What holds in this framework alone, or in some. */
  cases?: Case[]
  /** What the tests call it, where that is not the name of its folder. */
  label?: string
  /** Its row in docs/frameworks.md: what it is called there, how it has the sessions, and whose version it names. */
  row: { title: string; how: string; package?: string }
}

/** Tests that every case holds in a framework, with each carrier and each family of names. */
export function prove({ koa, otherKoas = [], cases = [], label, row, ...framework }: Proof): void {
  const name = label ?? framework.name
  let installed: Installed
  let wechat: Wechat
  let held = 0
  let app: { carrier: CarrierName; started: Promise<App> } | undefined

  test.before(`${name}: is installed`, async (t) => {
    t.timeout(300_000)
    installed = await install(framework)
    wechat = await wechatIn(installed.folder)
  })

  test.after.always(async () => {
    await stop()
    for (const secret of wechat?.secrets() ?? []) trace('secrets', secret)
    await wechat?.close()
    await installed?.remove()
  })

  /** One at a time: the cases of a carrier stand together. */
  async function appWith(t: ExecutionContext, carrier: CarrierName): Promise<App> {
    if (app?.carrier !== carrier) {
      t.timeout(120_000)
      await stop()
      const started = startApp({ folder: installed.folder, program: framework.start, carrier, wechat })
      app = { carrier, started }
    }
    return app.started
  }

  /** What has not started has ended already. */
  async function stop(): Promise<void> {
    const running = await app?.started.catch(() => undefined)
    await running?.stop()
  }

  test.serial(`${name}: there is one Koa, its own`, async (t) => {
    const [version = '', ...more] = await koasIn(installed.folder)

    t.regex(version, koa)
    t.deepEqual(more, otherKoas)
  })

  for (const carrier of Object.keys(CARRIERS) as CarrierName[]) {
    for (const family of FAMILIES) {
      for (const { title, run } of [...CASES, ...cases]) {
        test.serial(`${name}, ${carrier}, ${family}: ${title}`, async (t) => {
          await run(t, await appWith(t, carrier), family)
          held += 1
        })
      }
    }
  }

  test.serial(
    `${name}: docs/frameworks.md says the versions and the number of the cases that have held`,
    async (t) => {
      const [ofKoa = ''] = await koasIn(installed.folder)
      const version = row.package ? versionIn(installed.folder, row.package) : 'Node’s own'
      isInMatrix(t, 'docs/frameworks.md', [row.title, row.how, ofKoa, version, String(held)])
    },
  )
}

/** The WeChat of the simulator's tarball, as it was installed beside the app. */
async function wechatIn(folder: string): Promise<Wechat> {
  const path = join(folder, 'node_modules/weapp-simulator/dist/index.js')
  const simulator: typeof import('../../../simulator/src/index.js') = await import(pathToFileURL(path).href)
  return simulator.createWechat()
}
