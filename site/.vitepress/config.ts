import { defineConfig, type HeadConfig } from 'vitepress'
import { anchorOf, siteLinks } from './links.js'
import { docs, sidebar } from './pages.js'
import { repository } from './repository.js'
import { miniSearch } from './search.js'

const base = process.env.DOCS_BASE ?? '/'

/** A first visit of the home page goes to the language of the browser; later ones to the language that was read last. */
const FIRST_VISIT = `(() => {
  const base = ${JSON.stringify(base)}
  const { pathname } = location
  let last
  try { last = localStorage.getItem('lang') } catch {}
  const isHome = pathname === base || pathname === base + 'index.html'
  if (isHome && (last ?? navigator.language).startsWith('zh')) location.replace(base + 'zh/')
})()`

const head: HeadConfig[] = [
  ['script', {}, FIRST_VISIT],
  // No icon: browsers would ask for one.
  ['link', { rel: 'icon', href: 'data:,' }],
]
const socialLinks = repository ? [{ icon: 'github' as const, link: repository }] : []
const editLink = (text: string) =>
  repository ? { editLink: { pattern: `${repository}/edit/main/docs/:path`, text } } : {}

export default defineConfig({
  srcDir: docs,
  base,
  outDir: process.env.DOCS_OUT ?? './.vitepress/dist',
  title: 'koa-weapp-session',
  head,
  markdown: { anchor: { slugify: anchorOf }, config: siteLinks, languageAlias: { cjs: 'js' } },
  vite: {
    plugins: [
      {
        // The pages stand beside site/, where Vue is not found by their folder. What renders them is run in site/.
        name: 'vue-of-the-site',
        enforce: 'pre',
        resolveId(id, _, options) {
          return options.ssr && /^vue(\/server-renderer)?$/.test(id) ? { id, external: true } : undefined
        },
      },
    ],
  },
  themeConfig: {
    socialLinks,
    search: {
      provider: 'local',
      options: {
        miniSearch,
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索文档' },
              modal: {
                displayDetails: '显示详情',
                resetButtonTitle: '清空',
                backButtonTitle: '关闭',
                noResultsText: '没有找到：',
                footer: {
                  selectText: '打开',
                  selectKeyAriaLabel: '回车',
                  navigateText: '选择',
                  navigateUpKeyAriaLabel: '上',
                  navigateDownKeyAriaLabel: '下',
                  closeText: '关闭',
                  closeKeyAriaLabel: 'Esc',
                },
              },
            },
          },
        },
      },
    },
  },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      description: 'Sessions for WeChat mini programs on Koa, in Redis or in memory',
      themeConfig: {
        nav: [
          { text: 'Deployment', link: '/deployment' },
          { text: 'Errors', link: '/errors' },
          { text: 'API', link: '/api' },
        ],
        sidebar: sidebar('en'),
        outline: { level: [2, 3] },
        ...editLink('Edit this page on GitHub'),
      },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: '微信小程序登录态：Koa 中间件，会话存放在 Redis 或内存',
      themeConfig: {
        nav: [
          { text: '部署', link: '/zh/deployment' },
          { text: '错误码', link: '/zh/errors' },
          { text: 'API', link: '/zh/api' },
        ],
        sidebar: sidebar('zh'),
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色',
        darkModeSwitchTitle: '切换到深色',
        sidebarMenuLabel: '菜单',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '切换语言',
        skipToContentLabel: '跳到正文',
        notFound: {
          title: '页面不存在',
          quote: '链接可能写错了，或者页面已经移走。',
          linkLabel: '回到首页',
          linkText: '回到首页',
        },
        ...editLink('在 GitHub 上编辑此页'),
      },
    },
  },
})
