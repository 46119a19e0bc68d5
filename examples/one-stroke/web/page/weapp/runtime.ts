import { createScreen, parts, type Render, withoutRpx } from './render.js'

/** The mini program, as server/bundle.ts puts it together from its files. */
export interface Program {
  style: string
  config: { pages: string[]; window: WindowConfig }
  /** Runs app.js. */
  run(): void
  pages: Record<string, PageFiles>
}

interface PageFiles {
  style: string
  config: WindowConfig
  render: Render
  /** Runs the page's JavaScript. */
  run(): void
}

interface WindowConfig {
  navigationBarTitleText?: string
  disableScroll?: boolean
}

type Lifecycle =
  | 'onLaunch'
  | 'onLoad'
  | 'onReady'
  | 'onShow'
  | 'onHide'
  | 'onUnload'
  | 'onPullDownRefresh'
  | 'onReachBottom'

/** What `App()` and `Page()` are given: whatever the mini program says. */
type Options = Record<string, unknown> & { data?: Record<string, unknown> }

interface OpenPage {
  instance: Options
  view: HTMLElement
}

/** The part of WeChat that runs a mini program: `App`, `Page`, `getApp`, and the stack of pages. */
export interface Runtime {
  globals: { App(options: Options): void; Page(options: Options): void; getApp(): Options }
  start(): void
  show(): void
  hide(): void
  navigateTo(url: string): void
  navigateBack(): void
  /**
   * As if the user pulled the page down; settles when the page has done what it does then. Where the page on top
   * cannot be pulled, the one below it comes back.
   */
  pullDown(): Promise<void>
  /** An element of the page on top. */
  select(selector: string): HTMLElement | null
}

export function createRuntime(program: Program, host: HTMLElement, pickAvatar: () => string): Runtime {
  const stack: OpenPage[] = []
  /** What the files of pages have registered. */
  const registered = new Map<string, Options>()
  let app: Options = {}
  let registering = ''

  return {
    globals: {
      App(options) {
        app = options
      },
      Page: (options) => void registered.set(registering, options),
      getApp: () => app,
    },
    start() {
      program.run()
      call(app, 'onLaunch', {})
      call(app, 'onShow', {})
      navigateTo(`/${program.config.pages[0]}`)
    },
    show() {
      call(app, 'onShow', {})
      call(top(), 'onShow')
    },
    hide() {
      call(top(), 'onHide')
      call(app, 'onHide')
    },
    navigateTo,
    navigateBack,
    async pullDown() {
      while (stack.length > 1 && typeof top()?.onPullDownRefresh !== 'function') navigateBack()
      await call(top(), 'onPullDownRefresh')
    },
    select: (selector) =>
      stack.at(-1)?.view.querySelector('.page-body')?.shadowRoot?.querySelector(selector) ?? null,
  }

  function navigateTo(url: string): void {
    const [path = '', query = ''] = url.slice(1).split('?')
    const files = program.pages[path]
    if (!files) throw new Error(`navigateTo:fail page "${path}" is not found`)
    if (!registered.has(path)) {
      registering = path
      files.run()
    }

    call(top(), 'onHide')
    const config = { ...program.config.window, ...files.config }
    const view = frame(config, stack.length > 0)
    const root = bodyOf(view, config).attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [program.style, files.style].map(sheet)
    const instance = createPage(registered.get(path) ?? {}, files.render, root)
    stack.push({ instance, view })
    host.append(view)

    call(instance, 'onLoad', Object.fromEntries(new URLSearchParams(query)))
    call(instance, 'onShow')
    call(instance, 'onReady')
  }

  function navigateBack(): void {
    if (stack.length < 2) return
    const { instance, view } = stack.pop() as OpenPage
    call(instance, 'onUnload')
    view.remove()
    call(top(), 'onShow')
  }

  function createPage(options: Options, render: Render, root: ShadowRoot): Options {
    const instance: Options = { ...options, data: structuredClone(options.data ?? {}) }
    const screen = createScreen(root, (handler, type, dataset, fields) => {
      const detail = type === 'chooseavatar' ? { detail: { avatarUrl: pickAvatar() } } : {}
      const event = { type, currentTarget: { dataset }, target: { dataset }, ...fields, ...detail }
      ;(instance[handler] as (event: object) => void).call(instance, event)
    })
    const show = () => screen.show(render(instance.data ?? {}, parts))
    instance.setData = (changes: Record<string, unknown>, done?: () => void) => {
      instance.data = { ...instance.data, ...changes }
      show()
      done?.()
    }
    show()
    return instance
  }

  function top(): Options | undefined {
    return stack.at(-1)?.instance
  }

  function call(whose: Options | undefined, name: Lifecycle, ...args: unknown[]): unknown {
    const method = whose?.[name]
    return typeof method === 'function' ? method.apply(whose, args) : undefined
  }

  /** A page with its bar. */
  function frame({ navigationBarTitleText = '' }: WindowConfig, hasBack: boolean): HTMLElement {
    const view = document.createElement('section')
    view.className = 'page'
    const bar = document.createElement('header')
    bar.className = 'page-bar'
    const title = document.createElement('h1')
    title.textContent = navigationBarTitleText
    bar.append(title)
    if (hasBack) {
      const back = document.createElement('button')
      back.className = 'page-back'
      back.ariaLabel = '返回'
      back.addEventListener('click', navigateBack)
      bar.append(back)
    }
    const body = document.createElement('div')
    body.className = 'page-body'
    view.append(bar, body)
    return view
  }

  function bodyOf(view: HTMLElement, { disableScroll = false }: WindowConfig): HTMLElement {
    const body = view.querySelector<HTMLElement>('.page-body') as HTMLElement
    if (disableScroll) body.classList.add('is-fixed')
    body.addEventListener('scroll', () => {
      const isBottom = body.scrollTop + body.clientHeight > body.scrollHeight - 50
      if (isBottom) call(top(), 'onReachBottom')
    })
    return body
  }
}

/** What WeChat itself says about elements: WXSS comes on top. */
const BASE = `
  * { box-sizing: border-box; }
  img { display: inline-block; }
  button { border: 0; font: inherit; color: inherit; cursor: pointer; -webkit-tap-highlight-color: transparent; }
  button:disabled { cursor: default; }
  input { width: 100%; padding: 0; border: 0; outline: 0; background: none; color: inherit; font: inherit; }
  canvas { touch-action: none; cursor: crosshair; }
  [role=button] { cursor: pointer; }
  :focus-visible { outline: 2px solid #3b5bdb; outline-offset: 2px; }
`

/** WXSS is CSS with rpx, and with `page` for the page. */
function sheet(wxss: string, i: number): CSSStyleSheet {
  const css = new CSSStyleSheet()
  css.replaceSync((i === 0 ? BASE : '') + withoutRpx(wxss).replace(/^page\b/gm, ':host'))
  return css
}
