import type { Builtin } from './define.js'

/** Which call of `wx` a navigator is. */
const WAYS: Record<string, string> = {
  navigate: 'navigateTo',
  redirect: 'redirectTo',
  switchTab: 'switchTab',
  reLaunch: 'reLaunch',
  navigateBack: 'navigateBack',
}

export const NAVIGATOR: Builtin = {
  tag: 'navigator',
  properties: { url: String, openType: { value: 'navigate' }, delta: { value: 1 }, target: String },
  create(host, { wx, notices }) {
    const { element, get, tell } = host
    element.role = 'link'
    element.tabIndex = 0
    const go = (): void => {
      const way = WAYS[String(get('openType'))]
      if (!way) return void notices.tell(`<navigator open-type="${get('openType')}"> is not simulated.`)
      const call = wx[way] as (options: object) => void
      call({
        url: get('url'),
        delta: get('delta'),
        success: (result: object) => tell('success', result),
        fail: (error: { errMsg: string }) => {
          notices.tell(error.errMsg)
          tell('fail', error)
        },
      })
    }
    element.addEventListener('click', go)
    return {}
  },
}
