import type { Pages } from './page-stack.js'
import type { Program } from './program.js'

/** What `App()` was given: whatever the mini program says. */
export type AppInstance = Record<string, unknown>

/** The app itself: `App()`, `getApp()`, and its life. */
export interface App {
  globals: { App(instance: AppInstance): void; getApp(): AppInstance | undefined }
  start(pages: Pages): void
  show(): void
  hide(): void
  fail(error: unknown): void
  onShow(listener: (launch: object) => void): void
  onHide(listener: () => void): void
}

/** 1001: opened from the list of mini programs. */
const SCENE = 1001

export function createApp({ app, run }: Program): App {
  let instance: AppInstance | undefined
  const launch = { path: app.pages[0] ?? '', query: {}, scene: SCENE, referrerInfo: {} }
  const showListeners = new Set<(launch: object) => void>()
  const hideListeners = new Set<() => void>()

  return {
    globals: {
      App(given) {
        instance = given
      },
      getApp: () => instance,
    },
    start(pages) {
      run()
      call('onLaunch', launch)
      call('onShow', launch)
      pages.reLaunch(`/${launch.path}`)
    },
    show() {
      call('onShow', launch)
      for (const listener of showListeners) listener(launch)
    },
    hide() {
      call('onHide')
      for (const listener of hideListeners) listener()
    },
    fail: (error) =>
      call('onError', error instanceof Error ? `${error.message}\n${error.stack}` : String(error)),
    onShow: (listener) => void showListeners.add(listener),
    onHide: (listener) => void hideListeners.add(listener),
  }

  function call(name: string, ...args: unknown[]): void {
    const method = instance?.[name]
    if (typeof method === 'function') method.apply(instance, args)
  }
}
