import { posix } from 'node:path'
import { OpenError } from './errors.js'
import { type Folder, pathFrom } from './folder.js'

/** `app.json`, as far as it is read here: developers.weixin.qq.com/miniprogram/dev/reference/configuration/app.html */
export interface AppConfig {
  pages: string[]
  window: WindowConfig
  tabBar?: TabBar
}

export interface WindowConfig {
  navigationBarTitleText?: string
  navigationBarBackgroundColor?: string
  navigationBarTextStyle?: string
  navigationStyle?: string
  disableScroll?: boolean
  backgroundColor?: string
}

export interface TabBar {
  color?: string
  selectedColor?: string
  backgroundColor?: string
  list: { pagePath: string; text: string; iconPath?: string; selectedIconPath?: string }[]
}

/** The JSON of a page or a component. `usingComponents` has paths from the root, which begin with `/`. */
export interface ComponentConfig extends WindowConfig {
  component?: boolean
  usingComponents: Record<string, string>
  componentGenerics?: Record<string, unknown>
  componentPlaceholder?: Record<string, string>
  styleIsolation?: string
  addGlobalClass?: boolean
  pureDataPattern?: string
}

/** What a mini program consists of. */
export interface ProgramFiles {
  app: AppConfig
  /** Pages and components, by their path without an ending. */
  components: Map<string, ComponentConfig>
  /** What is not simulated, in sentences for its developer. */
  notices: string[]
}

interface RawAppConfig {
  pages?: string[]
  subPackages?: SubPackage[]
  subpackages?: SubPackage[]
  window?: WindowConfig
  tabBar?: TabBar
  usingComponents?: Record<string, string>
  plugins?: object
}

interface SubPackage {
  root: string
  pages: string[]
}

/**
 * Reads app.json, and from there what belongs to it: pages, and the components that they use.
 *
 * @throws {OpenError} ERR_OPEN_FOLDER when app.json or a page is missing
 */
export async function readProgram(folder: Folder): Promise<ProgramFiles> {
  const raw = await folder.readJson<RawAppConfig>('app.json')
  if (!raw?.pages?.length) {
    throw new OpenError('ERR_OPEN_FOLDER', `${folder.root}: there is no app.json with pages.`)
  }
  const parts = [...(raw.subPackages ?? []), ...(raw.subpackages ?? [])]
  const pages = [
    ...raw.pages,
    ...parts.flatMap(({ root, pages }) => pages.map((page) => posix.join(root, page))),
  ]
  const notices = raw.plugins ? ['app.json: plugins are not simulated.'] : []
  const components = new Map<string, ComponentConfig>()
  const shared = await resolveComponents('app', raw.usingComponents)

  for (const page of pages) {
    if ((await folder.find(`${page}.wxml`)) === undefined) {
      throw new OpenError('ERR_OPEN_FOLDER', `app.json names the page ${page}, and there is no ${page}.wxml.`)
    }
    await add(page)
  }
  return {
    app: { pages, window: raw.window ?? {}, ...(raw.tabBar && { tabBar: raw.tabBar }) },
    components,
    notices,
  }

  async function add(path: string): Promise<void> {
    if (components.has(path)) return
    const config = (await folder.readJson<Partial<ComponentConfig>>(`${path}.json`)) ?? {}
    const usingComponents = { ...shared, ...(await resolveComponents(path, config.usingComponents)) }
    components.set(path, { ...config, usingComponents })
    for (const used of Object.values(usingComponents)) await add(used.slice(1))
  }

  async function resolveComponents(
    owner: string,
    using: Record<string, string> = {},
  ): Promise<Record<string, string>> {
    const resolved: Record<string, string> = {}
    for (const [tag, path] of Object.entries(using)) {
      const found = await findComponent(folder, owner, path)
      if (found) resolved[tag] = `/${found}`
      else notices.push(`${owner}.json: <${tag}> is ${path}, which is not here.`)
    }
    return resolved
  }
}

/** Where a component is: relative, from the root, in a `miniprogram_npm` of a folder above; and its `index`, as in Node. */
async function findComponent(folder: Folder, owner: string, path: string): Promise<string | undefined> {
  if (path.includes('://')) return undefined
  for (const candidate of [pathFrom(owner, path), ...npmPaths(owner, path)]) {
    if (candidate === undefined) continue
    for (const stem of [candidate, `${candidate}/index`]) {
      if ((await folder.find(`${stem}.wxml`)) !== undefined) return stem
    }
  }
  return undefined
}

/** Where `miniprogram_npm` may have a module, from a file's own folder up to the root. */
export function npmPaths(owner: string, name: string): string[] {
  if (/^[./]/.test(name)) return []
  const folders = posix.dirname(owner).split('/')
  return folders
    .map((_, i) => posix.join(...folders.slice(0, folders.length - i), 'miniprogram_npm', name))
    .concat(posix.join('miniprogram_npm', name))
}
