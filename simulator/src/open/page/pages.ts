import type { Root } from 'glass-easel-miniprogram-adapter'
import type { WindowConfig } from '../program-files.js'
import { createChannel, type EventChannel } from './event-channel.js'
import { createFrame, createTabs, type Frame } from './frames.js'
import type { Caller, PageLifecycle, Pages, Query } from './page-stack.js'
import type { Program } from './program.js'
import type { Registry } from './registry.js'

interface OpenPage {
  path: string
  caller: Caller
  root: Root
  frame: Frame
}

/** More pages than that WeChat does not open. */
const STACK_MAX = 10

export function createPages(program: Program, registry: Registry, host: HTMLElement): Pages {
  const { pages, window: shared, tabBar } = program.app
  const tabPaths = new Set((tabBar?.list ?? []).map(({ pagePath }) => pagePath))
  /** Tabs stay where they were when another one is shown. */
  const tabs = new Map<string, OpenPage>()
  let stack: OpenPage[] = []

  return {
    navigateTo(url, events = {}) {
      const { path, query } = resolve('navigateTo', url)
      if (tabPaths.has(path)) throw new Error('navigateTo:fail can not navigateTo a tabbar page')
      if (stack.length >= STACK_MAX) throw new Error('navigateTo:fail webview count limit exceed')
      hide()
      const [ours, theirs] = createChannel()
      for (const [name, listener] of Object.entries(events)) ours.on(name, listener)
      open(path, query, theirs)
      return ours
    },
    redirectTo(url) {
      const { path, query } = resolve('redirectTo', url)
      if (tabPaths.has(path)) throw new Error('redirectTo:fail can not redirectTo a tabbar page')
      closeTop()
      open(path, query)
    },
    reLaunch(url) {
      const { path, query } = resolve('reLaunch', url)
      for (const page of tabs.values()) if (!stack.includes(page)) close(page)
      tabs.clear()
      while (stack.length > 0) closeTop()
      open(path, query)
    },
    switchTab(url) {
      const { path } = resolve('switchTab', url)
      if (!tabPaths.has(path)) throw new Error('switchTab:fail can not switch to no-tabBar page')
      switchTo(path)
    },
    navigateBack(delta = 1) {
      if (stack.length < 2) throw new Error('navigateBack:fail cannot navigate back at first page.')
      for (let i = 0; i < delta && stack.length > 1; i++) closeTop()
      show()
    },
    stack: () => stack.map(({ caller }) => caller),
    top: () => stack.at(-1)?.caller,
    frame: () => stack.at(-1)?.frame,
    call: (name, ...args) => call(stack.at(-1), name, ...args),
  }

  /** `/a/b?c=d` from the root, anything else from the page on top. */
  function resolve(api: string, url: string): { path: string; query: Query } {
    const [address = '', search = ''] = split(url, '?')
    const { pathname } = new URL(address, `weapp:///${stack.at(-1)?.path ?? ''}`)
    const path = decodeURIComponent(pathname)
      .replace(/^\/+/, '')
      .replace(/\.html$/, '')
    if (!pages.includes(path)) throw new Error(`${api}:fail page "${path}" is not found`)
    // WeChat gives the values as they were written.
    const query = Object.fromEntries(
      search
        .split('&')
        .filter(Boolean)
        .map((pair) => split(pair, '=')),
    )
    return { path, query }
  }

  function open(path: string, query: Query, channel: EventChannel = createChannel()[1]): void {
    registry.need(path)
    const files = program.components[path]
    const config: WindowConfig = { ...shared, ...files?.config }
    const isTab = tabPaths.has(path)
    const frame = createFrame({
      config,
      styles: [program.style, ...stylesOf(path, new Set())],
      goBack: stack.length > 0 ? goBack : undefined,
      tabs: isTab && tabBar ? createTabs(tabBar, path, switchTo) : undefined,
    })
    host.append(frame.view)
    const root = registry.backend.createRoot('page', registry.space, path)
    const caller = root.get() as Caller
    caller.route = path
    caller.options = query
    caller.getOpenerEventChannel = () => channel
    const page: OpenPage = { path, caller, root, frame }
    stack.push(page)
    if (isTab) tabs.set(path, page)

    const placeholder = document.createElement('div')
    frame.root.append(placeholder)
    root.attach(frame.root as never, placeholder as never)
    frame.onBottom(() => call(page, 'onReachBottom'))
    frame.onScroll((scrollTop) => call(page, 'onPageScroll', { scrollTop }))
    call(page, 'onLoad', query)
    show()
    call(page, 'onReady')
  }

  /** What a page and the components in it look like, components first. */
  function stylesOf(path: string, seen: Set<string>): string[] {
    if (seen.has(path)) return []
    seen.add(path)
    const files = program.components[path]
    if (!files) return []
    const used = Object.values(files.config.usingComponents)
    return [...used.flatMap((one) => stylesOf(one.slice(1), seen)), files.style]
  }

  function goBack(): void {
    closeTop()
    show()
  }

  function switchTo(path: string): void {
    if (stack.length === 1 && stack[0]?.path === path) return
    while (stack.length > 1) closeTop()
    const [below] = stack
    // What is no tab does not come back.
    if (below && !tabPaths.has(below.path)) closeTop()
    else if (below) {
      hide()
      below.frame.view.hidden = true
    }
    const known = tabs.get(path)
    stack = known ? [known] : []
    if (known) {
      known.frame.view.hidden = false
      show()
    } else open(path, {})
  }

  function show(): void {
    // Nobody gets into the pages below, by the keyboard or by a screen reader.
    for (const page of stack) page.frame.view.inert = page !== stack.at(-1)
    call(stack.at(-1), 'onShow')
    stack.at(-1)?.root.getComponent().triggerPageLifetime('show', [])
  }

  function hide(): void {
    call(stack.at(-1), 'onHide')
    stack.at(-1)?.root.getComponent().triggerPageLifetime('hide', [])
  }

  function closeTop(): void {
    const page = stack.pop()
    if (page) close(page)
  }

  function close(page: OpenPage): void {
    tabs.delete(page.path)
    call(page, 'onUnload')
    page.root.release()
    page.frame.view.remove()
  }

  function call(page: OpenPage | undefined, name: PageLifecycle, ...args: unknown[]): unknown {
    const method = page?.caller[name]
    return typeof method === 'function' ? method.apply(page?.caller, args) : undefined
  }
}

/** At the first one: what comes after may have more of them. */
function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
