/** A text in both languages, Chinese first. */
export type Words = readonly [zh: string, en: string]

const LANGUAGES = ['zh', 'en'] as const
/** The inspector's own: its page, which stands beside this one, changes with it. */
const KEY = 'weapp-inspector/language'
const THEME = 'weapp-inspector/theme'

let language = localStorage.getItem(KEY) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')

function isEnglish(): boolean {
  return language === 'en'
}

/** The one of the two that the page is in. */
export function say(words: Words): string {
  return words[isEnglish() ? 1 : 0]
}

export function switchLanguage(): void {
  language = LANGUAGES[isEnglish() ? 0 : 1]
  localStorage.setItem(KEY, language)
}

/** The theme that was chosen in the inspector. */
export function showTheme(): void {
  document.documentElement.dataset.theme = localStorage.getItem(THEME) ?? 'auto'
}

/** Told when the inspector's page has changed the language, or the theme. */
export function onChoice(listener: () => void): void {
  addEventListener('storage', ({ key }) => {
    if (key === KEY) language = localStorage.getItem(KEY) ?? language
    if (key === KEY || key === THEME) listener()
  })
}

/** Puts the texts of the page, which has only their names. */
export function fillWords(): void {
  document.documentElement.lang = isEnglish() ? 'en' : 'zh-CN'
  for (const element of document.querySelectorAll<HTMLElement>('[data-words]')) {
    element.textContent = say(PAGE[element.dataset.words as keyof typeof PAGE])
  }
}

const PAGE = {
  tagline: [
    '左边是小程序，右边是它和服务器之间发生的一切。画一笔，看看登录态是怎么走的。',
    'A mini program, and all that goes on between it and its server. Draw, and watch its session travel.',
  ],
  tabPhone: ['小程序', 'App'],
  tabLab: ['试一试', 'Try it'],
  tabTimeline: ['请求', 'Requests'],
  lab: ['试一试，看会发生什么', 'Make things happen'],
} satisfies Record<string, Words>

export const LABELS = {
  inspector: ['调试面板', 'Session inspector'],
  parts: ['页面的三个部分', 'Parts of the page'],
  phones: ['手机', 'Phones'],
  offline: ['没有网络', 'offline'],
  failed: ['没试成，再按一次。', 'That did not work. Press it once more.'],
  trying: ['正在试…', 'Trying …'],
  ready: [
    '按一个按钮：这里会说发生了什么，每个请求都在调试面板里。',
    'Press a button: what happened is told here, and each request is in the inspector.',
  ],
  gone: ['服务器已停止，正在重新连接…', 'The server is gone. Trying to reach it again …'],
  language: ['English', '中文'],
} satisfies Record<string, Words>
