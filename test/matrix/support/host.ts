import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import vm from 'node:vm'
import type { Wx } from '../../../simulator/src/index.js'
import { miniProgramGlobals } from './mini-program.js'

type Options = Record<string, unknown>
type Method = (this: unknown, ...args: unknown[]) => unknown

/** A compiled mini program that runs: the logic of its app and its pages, without a screen. */
export interface Program {
  /** Opens a page, and says what it is drawn with: what it has given to `setData`, as JSON. */
  open(path: string): Opened
  /** What `getApp()` gives. */
  readonly app: Record<string, unknown>
  /** What a module of the program exports. */
  load(path: string): unknown
}

export interface Opened {
  page: Options
  drawn(): string
}

/** What frameworks ask of the phone when they start, beside what a phone of the simulator has. */
const SYSTEM = {
  brand: 'devtools',
  model: 'a phone',
  system: 'iOS 18.5',
  platform: 'ios',
  language: 'zh_CN',
  version: '8.0.60',
  SDKVersion: '3.8.0',
  host: { appId: 'touristappid' },
  pixelRatio: 2,
  screenWidth: 375,
  screenHeight: 667,
  windowWidth: 375,
  windowHeight: 667,
  statusBarHeight: 20,
}
const LAUNCH = { path: 'pages/index/index', query: {}, scene: 1001, referrerInfo: {} }

/** Starts what is in a folder as WeChat does: app.js, and a page's file when the page is opened. */
export function startProgram(folder: string, wx: Wx): Program {
  const modules = new Map<string, { exports: unknown }>()
  let app: Options | undefined
  let page: Options | undefined
  const pages: object[] = []
  const system = () => ({ ...SYSTEM })
  Object.assign(wx, {
    ...{ getSystemInfoSync: system, getAppBaseInfo: system, getWindowInfo: system, getDeviceInfo: system },
    ...{ getLaunchOptionsSync: () => ({ ...LAUNCH }), getEnterOptionsSync: () => ({ ...LAUNCH }) },
    canIUse: () => true,
    nextTick: setImmediate,
  })
  const globals = miniProgramGlobals(wx, {
    App: (options: Options) => {
      app = options
    },
    Page: (options: Options) => {
      page = options
    },
    Component: (options: Options) => {
      page = options
    },
    Behavior: (options: Options) => options,
    getApp: () => app,
    getCurrentPages: () => pages,
  })
  const load = (path: string): unknown => {
    const known = modules.get(path)
    if (known) return known.exports
    const module = { exports: {} as unknown }
    modules.set(path, module)
    const code = readFileSync(path, 'utf8')
    const run = vm.runInContext(`(function (require, module, exports) {${code}\n})`, globals, {
      filename: relative(folder, path),
    })
    const require = (name: string) => load(find(name, dirname(path), folder))
    run.call(undefined, require, module, module.exports)
    return module.exports
  }

  load(join(folder, 'app.js'))
  if (!app) throw new Error('app.js does not call App()')
  call(app, 'onLaunch', { ...LAUNCH })
  call(app, 'onShow', { ...LAUNCH })

  return {
    app,
    load: (path) => load(join(folder, path)),
    open(path) {
      page = undefined
      load(join(folder, `${path}.js`))
      if (!page) throw new Error(`${path}.js calls neither Page() nor Component()`)
      return openPage(page, path, pages)
    },
  }
}

/** A module: beside the one that needs it, a package in the nearest miniprogram_npm, or a helper of the compiler. */
function find(name: string, from: string, folder: string): string {
  if (name.startsWith('.')) return `${join(from, name).replace(/\.js$/, '')}.js`
  for (const path of [`${name}/index.js`, `${name}.js`]) {
    const built = join(from, 'miniprogram_npm', path)
    if (existsSync(built)) return built
  }
  return from === folder ? `${join(folder, name).replace(/\.js$/, '')}.js` : find(name, dirname(from), folder)
}

/** A page is what it was made of, with `setData`. One that was made by `Component()` has lifetimes and methods. */
function openPage(options: Options, path: string, pages: object[]): Opened {
  const drawn: unknown[] = []
  const { methods = {}, lifetimes = {} } = options as { methods?: Options; lifetimes?: Options }
  const instance: Options = {
    ...options,
    ...methods,
    data: { ...(options.data as object) },
    properties: {},
    ...{ route: path, is: path, __route__: path, options: {} },
    setData(data: object, drawnNow?: () => void) {
      drawn.push(data)
      Object.assign(instance.data as object, data)
      if (drawnNow) setImmediate(drawnNow)
    },
    ...{ selectComponent: () => null, selectAllComponents: () => [], triggerEvent: () => {} },
  }
  pages.push(instance)
  const both = { ...instance, ...lifetimes }
  for (const name of ['created', 'attached']) call(both, name, undefined, instance)
  for (const name of ['onLoad', 'onShow']) call(instance, name, {})
  call(both, 'ready', undefined, instance)
  call(instance, 'onReady')
  return { page: instance, drawn: () => JSON.stringify(drawn) }
}

function call(owner: Options, name: string, argument?: unknown, self: unknown = owner): void {
  const method = owner[name] as Method | undefined
  method?.call(self, argument)
}
