/**
 * What the inspector does to a phone, beside what every phone of the simulator lets a hand do. It runs on the phone's own
 * page, after the mini program has started.
 */
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
  /** WeChat's: what `App()` was given. */
  function getApp(): { studio: Studio }
}

interface Studio {
  session: { logout(): Promise<void>; request(options: object): Promise<unknown> }
}

if (window.phone) {
  window.phone.burst = async (count) => {
    const { session } = getApp().studio
    await session.logout()
    const calls = Array.from({ length: count }, () =>
      session.request({ url: '/applet/session/paints/list?limit=1' }),
    )
    await Promise.allSettled(calls)
  }
}
