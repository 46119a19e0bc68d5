import type { Pages } from '../page-stack.js'
import { type Callbacks, settle } from './callbacks.js'

type Way = Callbacks & { url: string }

/** The ways between pages, and what a page says about its bar. */
export function createNavigation(pages: () => Pages): Record<string, unknown> {
  return {
    navigateTo: ({ url, events, ...callbacks }: Way & { events?: Record<string, () => void> }) =>
      now('navigateTo', callbacks, () => ({ eventChannel: pages().navigateTo(url, events) })),
    redirectTo: way('redirectTo'),
    reLaunch: way('reLaunch'),
    switchTab: way('switchTab'),
    navigateBack: ({ delta, ...callbacks }: Callbacks & { delta?: number } = {}) =>
      now('navigateBack', callbacks, () => pages().navigateBack(delta)),
    stopPullDownRefresh: (callbacks: Callbacks = {}) => now('stopPullDownRefresh', callbacks, () => {}),
    startPullDownRefresh: (callbacks: Callbacks = {}) =>
      settle('startPullDownRefresh', callbacks, () => void pages().call('onPullDownRefresh')),
    setNavigationBarTitle: ({ title, ...callbacks }: Callbacks & { title: string }) =>
      now('setNavigationBarTitle', callbacks, () => pages().frame()?.setTitle(title)),
    setNavigationBarColor: ({
      frontColor,
      backgroundColor,
      ...callbacks
    }: Callbacks & Record<string, string>) =>
      now('setNavigationBarColor', callbacks, () =>
        pages().frame()?.setBarColor(frontColor, backgroundColor),
      ),
    pageScrollTo: ({ scrollTop = 0, ...callbacks }: Callbacks & { scrollTop?: number }) =>
      now('pageScrollTo', callbacks, () => pages().frame()?.scrollTo(scrollTop)),
  }

  function way(api: 'redirectTo' | 'reLaunch' | 'switchTab') {
    return ({ url, ...callbacks }: Way) => now(api, callbacks, () => pages()[api](url))
  }
}

/** At once: the next line of the app already runs on the other page. The callbacks come later, as always. */
function now(api: string, callbacks: Callbacks, work: () => unknown): Promise<object> | undefined {
  try {
    const result = work()
    return settle(api, callbacks, () => result)
  } catch (error) {
    return settle(api, callbacks, () => Promise.reject(error))
  }
}
