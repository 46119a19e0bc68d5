/** What a person has chosen here: kept in the browser, and the same in every page from here. */
const KEYS = { language: 'weapp-inspector/language', theme: 'weapp-inspector/theme' }

export type Language = 'zh' | 'en'
export type Theme = 'auto' | 'light' | 'dark'

const THEMES: readonly Theme[] = ['auto', 'light', 'dark']

export function language(): Language {
  const kept = localStorage.getItem(KEYS.language)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.startsWith('zh') ? 'zh' : 'en'
}

export function switchLanguage(): void {
  localStorage.setItem(KEYS.language, language() === 'zh' ? 'en' : 'zh')
}

export function theme(): Theme {
  return THEMES.find((known) => known === localStorage.getItem(KEYS.theme)) ?? 'auto'
}

export function switchTheme(): void {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]
  localStorage.setItem(KEYS.theme, next ?? 'auto')
}

/** Told when another page has changed something: one that has this one in a frame, say. */
export function onSettings(listener: () => void): void {
  addEventListener('storage', ({ key }) => {
    if (key === KEYS.language || key === KEYS.theme) listener()
  })
}
