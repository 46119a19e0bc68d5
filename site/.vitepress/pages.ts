/** What the sidebar lists: each guide once, by what a reader wants. A title is the first heading of its page. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const docs: string = fileURLToPath(new URL('../../docs/', import.meta.url))

export interface Section {
  en: string
  zh: string
  pages: string[]
}

export interface SidebarItem {
  text: string
  link?: string
  collapsed?: boolean
  items?: SidebarItem[]
}

export const sections: Section[] = [
  { en: 'Start', zh: '开始', pages: ['index', 'start', 'client', 'frameworks', 'typescript'] },
  {
    en: 'How-to',
    zh: '操作指南',
    pages: [
      'testing',
      'accounts',
      'phone-numbers',
      'several-apps',
      'deployment',
      'stores',
      'hosts',
      'migration',
      'observability',
      'inspector',
      'simulator',
      'scale',
    ],
  },
  {
    en: 'Reference',
    zh: '参考',
    pages: ['options', 'errors', 'troubleshooting', 'simulator-table', 'api', 'protocol'],
  },
  {
    en: 'Explanation',
    zh: '原理',
    pages: ['architecture', 'security', 'reliability', 'performance', 'today'],
  },
]

/** The pages of the API, which are generated, in the order of docs/api.md. */
export const apiPages: string[] = Array.from(
  read('api').matchAll(/^## \[[^\]]+\]\(\.\/(api\/[\w-]+)\.md\)/gm),
  ([, page = '']) => page,
)

/** Guides that have no Chinese page: their English text stands there in its place. */
export function untranslated(): string[] {
  const all = [...sections.flatMap(({ pages }) => pages), ...apiPages]
  return all.filter((page) => !existsSync(`${docs}zh/${page}.md`))
}

export function sidebar(lang: 'en' | 'zh'): SidebarItem[] {
  const prefix = lang === 'zh' ? '/zh/' : '/'
  const item = (page: string) => ({
    text: titleOf(page, lang),
    link: `${prefix}${page === 'index' ? '' : page}`,
  })
  return sections.map(({ pages, ...names }) => ({
    text: names[lang],
    items: pages.map((page) =>
      page === 'api' ? { ...item(page), collapsed: true, items: apiPages.map(item) } : item(page),
    ),
  }))
}

function titleOf(page: string, lang: 'en' | 'zh'): string {
  const inChinese = lang === 'zh' && existsSync(`${docs}zh/${page}.md`)
  const text = read(inChinese ? `zh/${page}` : page)
  const [, title = page] = /^sidebar: (.+)$/m.exec(text) ?? /^# (.+)$/m.exec(text) ?? []
  return title.replaceAll('`', '')
}

function read(page: string): string {
  return readFileSync(`${docs}${page}.md`, 'utf8')
}
