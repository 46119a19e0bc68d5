import { inBrowser, type Theme } from 'vitepress'
// With the fonts of the system: nothing is fetched for letters, and Chinese looks as it does elsewhere on the machine.
import DefaultTheme from 'vitepress/theme-without-fonts'
import './style.css'

export default {
  extends: DefaultTheme,
  enhanceApp({ router, siteData }) {
    if (!inBrowser) return
    const remember = (path: string) => {
      try {
        localStorage.setItem('lang', path.startsWith(`${siteData.value.base}zh/`) ? 'zh' : 'en')
      } catch {
        // A browser that keeps nothing is asked each time.
      }
    }
    router.onAfterRouteChanged = remember
  },
} satisfies Theme
