/**
 * A phone: runs a mini program, as it is, in a page of its own, so that its globals, its styles and its end are its own
 * too.
 */
// Before the templates.
import './wxs.js'

import { program } from 'weapp:program'
import { createApp } from './app.js'
import { listenToHands } from './events.js'
import { openLine } from './line.js'
import { createNotices } from './notices.js'
import type { Pages } from './page-stack.js'
import { createPages } from './pages.js'
import { createRegistry } from './registry.js'
import { createWx } from './wx/wx.js'

/** What a hand can do to a phone, and a test or the page around it does. */
export interface PhoneControls {
  /**
   * As if the user pulled the page down; settles when the page has done what it does then. Where the page on top cannot be
   * pulled, the one below it comes back.
   */
  pullDown(): Promise<void>
  /** Settles when no call of `wx` is under way. */
  idle(): Promise<void>
  /** Moves the phone's clock forward. */
  letPass(ms: number): void
}

declare global {
  interface Window {
    phone?: PhoneControls
  }
}

const user = new URLSearchParams(location.search).get('user') ?? 'alice'
const { appId = '' } = document.documentElement.dataset
const lineUrl = `${location.origin.replace(/^http/, 'ws')}/phone/line?user=${encodeURIComponent(user)}`

const notices = createNotices()
const app = createApp(program)
const line = openLine(lineUrl, (network) => onNetwork(network))
const { wx, onNetwork } = createWx({
  line,
  appId,
  storageName: `${appId}/${user}`,
  app,
  notices,
  pages: (): Pages => pages,
})
const registry = createRegistry(program, { line, wx, pages: (): Pages => pages, notices }, notices)
const pages: Pages = createPages(program, registry, document.body)
const getCurrentPages = (): object[] => pages.stack()
Object.assign(globalThis, app.globals, registry.globals, { wx, getCurrentPages })

document.title = program.app.window.navigationBarTitleText ?? document.title
for (const notice of program.notices) notices.tell(notice)
addEventListener('error', ({ error, message }) => {
  notices.fail(error ?? message)
  app.fail(error ?? message)
})
addEventListener('unhandledrejection', ({ reason }) => notices.fail(reason))
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    pages.call('onHide')
    app.hide()
  } else {
    app.show()
    pages.call('onShow')
  }
})
listenToHands()

const now = Date.now
let ahead = 0
Date.now = () => now() + ahead
window.phone = {
  async pullDown() {
    while (pages.stack().length > 1 && typeof pages.top()?.onPullDownRefresh !== 'function')
      pages.navigateBack()
    await pages.call('onPullDownRefresh')
  },
  async idle() {
    while (line.isBusy()) await new Promise((resolve) => setTimeout(resolve, 20))
  },
  letPass(ms) {
    ahead += ms
  },
}
try {
  app.start(pages)
} catch (error) {
  notices.fail(error)
  console.error(error)
}
