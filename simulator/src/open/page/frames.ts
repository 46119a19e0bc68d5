import type { TabBar, WindowConfig } from '../program-files.js'
import { BASE, sheet } from './styles.js'

/** What WeChat draws around a page: its bar, its body, and the tabs below. */
export interface Frame {
  readonly view: HTMLElement
  /** The page stands in here; its styles are its own. */
  readonly root: ShadowRoot
  setTitle(title: string): void
  setBarColor(front: string | undefined, back: string | undefined): void
  onScroll(listener: (scrollTop: number) => void): void
  onBottom(listener: () => void): void
  scrollTo(top: number): void
}

export interface FrameOptions {
  config: WindowConfig
  /** WXSS of the app, the page and its components. */
  styles: string[]
  /** Without it there is no way back from here. */
  goBack: (() => void) | undefined
  tabs: HTMLElement | undefined
}

/** Pixels above the end at which WeChat says that the bottom is reached. */
const BOTTOM = 50

export function createFrame({ config, styles, goBack, tabs }: FrameOptions): Frame {
  const view = element('main', 'page')
  const bar = element('header', 'page-bar')
  const title = element('h1', '')
  bar.append(title)
  if (goBack) bar.append(backButton(goBack))
  const body = element('div', 'page-body')
  if (config.disableScroll) body.classList.add('is-fixed')
  if (config.backgroundColor) view.style.background = config.backgroundColor
  if (config.navigationStyle !== 'custom') view.append(bar)
  view.append(body)
  if (tabs) view.append(tabs)

  const root = body.attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [BASE, ...styles].map(sheet)
  const frame: Frame = {
    view,
    root,
    setTitle(text) {
      title.textContent = text
    },
    setBarColor(front, back) {
      // WeChat takes these two words for the text, and any color for what is behind it.
      if (front) bar.style.color = { white: '#fff', black: '' }[front] ?? front
      if (back) bar.style.background = back
    },
    onScroll: (listener) => body.addEventListener('scroll', () => listener(body.scrollTop)),
    onBottom(listener) {
      body.addEventListener('scroll', () => {
        if (body.scrollTop + body.clientHeight > body.scrollHeight - BOTTOM) listener()
      })
    },
    scrollTo: (top) => body.scrollTo({ top }),
  }
  frame.setTitle(config.navigationBarTitleText ?? '')
  frame.setBarColor(config.navigationBarTextStyle, config.navigationBarBackgroundColor)
  return frame
}

/** The tabs, as plain text and pictures. */
export function createTabs(
  { list, color, selectedColor, backgroundColor }: TabBar,
  current: string,
  choose: (path: string) => void,
): HTMLElement {
  const nav = element('nav', 'tabs')
  if (backgroundColor) nav.style.background = backgroundColor
  for (const { pagePath, text, iconPath, selectedIconPath } of list) {
    const isCurrent = pagePath === current
    const tab = element('button', 'tab') as HTMLButtonElement
    tab.type = 'button'
    if (isCurrent) tab.setAttribute('aria-current', 'page')
    const shade = isCurrent ? selectedColor : color
    if (shade) tab.style.color = shade
    const icon = isCurrent ? (selectedIconPath ?? iconPath) : iconPath
    if (icon) {
      const image = document.createElement('img')
      image.alt = ''
      image.src = `/files/${icon.replace(/^\//, '')}`
      tab.append(image)
    }
    tab.append(text)
    tab.addEventListener('click', () => choose(pagePath))
    nav.append(tab)
  }
  return nav
}

function backButton(goBack: () => void): HTMLElement {
  const back = element('button', 'page-back') as HTMLButtonElement
  back.type = 'button'
  back.ariaLabel = '返回'
  back.addEventListener('click', goBack)
  return back
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag)
  if (className) made.className = className
  return made
}
