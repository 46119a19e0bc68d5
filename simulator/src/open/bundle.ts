import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Folder, openFolder } from './folder.js'
import { type ProgramFiles, readProgram } from './program-files.js'
import { bundleScripts } from './scripts.js'
import { COMPILED, SIMULATED, tagsOf } from './tags.js'
import { loadTools } from './tools.js'
import { compileTemplates } from './wxml.js'
import { compileStyle } from './wxss.js'

/** How a mini program is put together for a browser. */
export interface BundleOptions {
  /** The folder with its app.json. */
  folder: string
  /** What `wx.getAccountInfoSync()` says. */
  appId: string
  /**
   * Sources to put in the place of files, by their paths: `{ 'config.js': 'module.exports = { … }' }` tells the mini program
   * where its server is here. Default: none.
   */
  replace?: Record<string, string>
  /** A module, by its absolute path, that runs on the page after the mini program has started. Default: none. */
  script?: string
}

/** A file for the browser. */
export interface Asset {
  /** A media type, or the ending of a file's name. */
  type: string
  text: string
}

/** A mini program, ready for a browser. */
export interface MiniProgramBundle {
  /** By the path under which the browser asks: `/phone`, `/phone.js`, `/phone.css`. */
  assets: Map<string, Asset>
  /** What of it is not simulated, in sentences for its developer. */
  notices: string[]
}

/**
 * Puts a mini program together for a browser, with WeChat's own framework. A page at `/phone?user=alice` then runs it on
 * the phone of that user, whose line ({@link PhoneLines}) has to answer at `/phone/line`.
 *
 * @throws {OpenError} when its files cannot be read or compiled, or when the framework is not installed
 *
 * @example
 * const { assets } = await bundleMiniProgram({ folder: 'miniprogram', appId: 'wx-dev' })
 * assets.get('/phone.js')?.text
 */
export async function bundleMiniProgram({
  folder: path,
  appId,
  replace = {},
  script,
}: BundleOptions): Promise<MiniProgramBundle> {
  const tools = loadTools()
  const folder = await openFolder(path)
  const files = await readProgram(folder)
  const templates = await compileTemplates(folder, tools, files.components.keys())
  files.notices.push(...templates.notices)
  const unknownTags = await findUnknownTags(folder, files)
  const program = await moduleOf(folder, files, templates.code, unknownTags)
  const [code, html, css] = await Promise.all([
    bundleScripts(tools, { folder, program, replace, script }),
    readPage('phone.html'),
    readPage('phone.css'),
  ])
  return {
    assets: new Map([
      ['/phone', { type: 'text/html', text: html.replace('{{appId}}', escapeHtml(appId)) }],
      ['/phone.js', { type: 'text/javascript', text: code }],
      ['/phone.css', { type: 'text/css', text: css }],
    ]),
    notices: [
      ...files.notices,
      ...unknownTags.map((tag) => `<${tag}> is neither simulated nor in usingComponents.`),
    ],
  }
}

/** A file of the browser's part that is served as it is. */
export function readPage(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(`../../src/open/page/${name}`, import.meta.url)), 'utf8')
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? '')
}

/** Makes a module of the mini program: its files as they are, and what each of them is for. See page/program.ts. */
async function moduleOf(
  folder: Folder,
  { app, components, notices }: ProgramFiles,
  templates: string,
  unknownTags: string[],
): Promise<string> {
  const parts = await Promise.all(
    Array.from(components, async ([path, config], i) => {
      const isPage = app.pages.includes(path)
      const scope = isPage ? undefined : `c${i}`
      const style = await compileStyle(folder, `${path}.wxss`, scope)
      return `${JSON.stringify(path)}: {
        config: ${JSON.stringify({ ...config, component: config.component ?? !isPage })},
        scope: ${JSON.stringify(scope)},
        style: ${JSON.stringify(style)},
        run: () => ${await requireOf(folder, path)},
      }`
    }),
  )
  return `export const program = {
    app: ${JSON.stringify(app)},
    notices: ${JSON.stringify(notices)},
    unknownTags: ${JSON.stringify(unknownTags)},
    style: ${JSON.stringify(await compileStyle(folder, 'app.wxss'))},
    templates: ${templates},
    components: { ${parts.join(',\n')} },
    run: () => ${await requireOf(folder, 'app')},
  }`
}

/** A component may have no code. */
async function requireOf(folder: Folder, path: string): Promise<string> {
  const [js, ts] = await Promise.all([folder.find(`${path}.js`), folder.find(`${path}.ts`)])
  return js === undefined && ts === undefined ? '{}' : `{ require(${JSON.stringify(`/${path}`)}) }`
}

/** Tags that nobody knows: not WeChat's components that are simulated, and not those of the mini program. */
async function findUnknownTags(folder: Folder, { components }: ProgramFiles): Promise<string[]> {
  const found = await Promise.all(
    Array.from(components, async ([path, { usingComponents, componentGenerics = {} }]) => {
      const known = new Set([
        ...COMPILED,
        ...SIMULATED,
        ...Object.keys({ ...usingComponents, ...componentGenerics }),
      ])
      const wxml = (await folder.read(`${path}.wxml`)) ?? ''
      return tagsOf(wxml).filter((tag) => !known.has(tag))
    }),
  )
  return [...new Set(found.flat())].sort()
}
