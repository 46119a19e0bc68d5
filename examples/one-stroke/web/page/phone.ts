/**
 * A phone: runs the mini program, as it is, in a page of its own, so that its globals, its styles and its end are its
 * own too. The inspector shows it in a frame; by itself it is the app on a whole screen.
 */
import { program } from 'one-stroke:miniprogram'
import { pickAvatar } from './weapp/avatars.js'
import { openLine } from './weapp/line.js'
import { createRuntime } from './weapp/runtime.js'
import { createWx } from './weapp/wx.js'

const user = new URLSearchParams(location.search).get('user') ?? 'xiaoming'
const { appId } = document.documentElement.dataset
const socketUrl = `${location.origin.replace(/^http/, 'ws')}/phone/line?user=${encodeURIComponent(user)}`

const runtime = createRuntime(program, document.body, pickAvatar)
const line = openLine(socketUrl, (network) => onNetwork(network))
const { wx, onNetwork } = createWx({
  line,
  appId: appId ?? '',
  storageName: `one-stroke/${user}`,
  runtime: () => runtime,
})
Object.assign(globalThis, runtime.globals, { wx })

document.addEventListener('visibilitychange', () => (document.hidden ? runtime.hide() : runtime.show()))
runtime.start()

/** What a hand can do to a phone, and the inspector does. */
export interface PhoneControls {
  pullDown(): Promise<void>
  /** Settles when no call of `wx` is under way. */
  idle(): Promise<void>
  /** Moves the phone's clock forward. */
  letPass(ms: number): void
  /** The app forgets its session, and starts that many calls at once. Settles when all have ended. */
  burst(count: number): Promise<void>
}

declare global {
  interface Window {
    phone?: PhoneControls
  }
}

interface Studio {
  session: { logout(): Promise<void>; request(options: object): Promise<unknown> }
}

const now = Date.now
let ahead = 0
Date.now = () => now() + ahead

window.phone = {
  pullDown: runtime.pullDown,
  async idle() {
    while (line.isBusy()) await new Promise((resolve) => setTimeout(resolve, 20))
  },
  letPass(ms) {
    ahead += ms
  },
  async burst(count) {
    const { session } = runtime.globals.getApp().studio as Studio
    await session.logout()
    const calls = Array.from({ length: count }, () =>
      session.request({ url: '/applet/session/paints/list?limit=1' }),
    )
    await Promise.allSettled(calls)
  },
}
