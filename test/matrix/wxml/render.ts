/** What a template gives, by wcc and by the framework that opens mini programs here, as text that can be compared. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import * as glassEasel from 'glass-easel'
import { openFolder } from '../../../simulator/src/open/folder.js'
import { loadTools } from '../../../simulator/src/open/tools.js'
import { compileTemplates } from '../../../simulator/src/open/wxml.js'
// What scripts of templates have beside JavaScript.
import '../../../simulator/src/open/page/wxs.js'

const run = promisify(execFile)

/** Files by their paths. */
export type Files = Record<string, string>
export type Data = Record<string, unknown>

/** Lets some work have these files in a folder. */
export async function withFiles<T>(files: Files, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'weapp-wxml-'))
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface VirtualNode {
  tag: string
  attr?: Data
  children?: (VirtualNode | string | number)[]
}

/** What the page of a phone gets: the compiled template's tree of nodes. `wcc` is where the program is. */
export async function renderByWcc(wcc: string, files: Files, path: string, data: Data): Promise<string> {
  await chmod(wcc, 0o755)
  const code = await withFiles(files, async (folder) => {
    const names = Object.keys(files)
    const args = ['.wxml', '.wxs'].flatMap((ending) => names.filter((name) => name.endsWith(ending)))
    const { stdout } = await run(wcc, ['-d', '-cc', '0', ...args, '-gn', '$gwx'], {
      cwd: folder,
      maxBuffer: 64 << 20,
    })
    return stdout
  })
  // It changes the prototypes of JavaScript: a world of its own. Its values leave that as JSON.
  const world = createContext({
    console: { log() {}, warn() {}, error() {} },
    data: JSON.stringify(data, withNaN),
  })
  const program = `var window = this, global = this, __wxAppCode__ = {};${code};
    JSON.stringify($gwx(${JSON.stringify(`${path}.wxml`)})(JSON.parse(data, (_, v) => v === '__NaN' ? NaN : v)))`
  return printVirtual(JSON.parse(runInContext(program, world) as string) as VirtualNode)
}

function withNaN(_: string, value: unknown): unknown {
  return Number.isNaN(value) ? '__NaN' : value
}

function printVirtual(node: VirtualNode | string | number): string {
  if (typeof node !== 'object') return String(node)
  const children = (node.children ?? []).map(printVirtual).join('')
  if (node.tag === 'virtual' || node.tag === 'wx-page') return children
  const attributes: Data = {}
  const dataset: Data = {}
  const events = new Set<string>()
  for (const [name, value] of Object.entries(node.attr ?? {})) {
    const [, event] = /^(?:capture-|mut-)?(?:bind|catch):?(.+)$/.exec(name) ?? []
    if (event) events.add(event)
    else if (name.startsWith('data-')) dataset[camelCase(name.slice(5))] = value
    // Marks are no attributes of a node: they are collected when an event comes.
    else if (!name.startsWith('mark:')) attributes[name] = value
  }
  return print(node.tag.replace(/^wx-/, ''), { attributes, dataset, events, children })
}

/** `data-a-b` is `aB`, and capitals are none. */
function camelCase(name: string): string {
  return name.toLowerCase().replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** The tree that the framework makes of the same template, compiled as for a page here. */
export async function renderByUs(files: Files, path: string, data: Data): Promise<string> {
  const { code } = await withFiles(files, async (folder) => {
    return compileTemplates(await openFolder(folder), loadTools(), [path])
  })
  const groupList = new Function(`return ${code}`)() as Record<string, glassEasel.template.ProcGenGroup>
  const content = groupList[path]
  if (!content) throw new Error(`there is no ${path}.wxml`)
  const definition = new glassEasel.ComponentSpace()
    .define('page')
    .template({ groupList, content, fallbackListenerOnNativeNode: true })
    .data(() => structuredClone(data))
    .registerComponent()
  const component = glassEasel.Component.createWithContext(
    'page',
    definition.general(),
    new glassEasel.EmptyBackendContext(),
  )
  return (component.getShadowRoot()?.childNodes ?? []).map(printNode).join('')
}

function printNode(node: glassEasel.Node): string {
  if (glassEasel.TextNode.isTextNode(node)) return node.textContent
  const element = node as glassEasel.Element & {
    is: string
    _$slotName?: string
    _$nodeAttributes?: Data
    _$eventTarget?: { listeners: Data; captureListeners: Data | null }
  }
  const children = element.childNodes.map(printNode).join('')
  const slotName = element._$slotName
  if (glassEasel.VirtualNode.isVirtualNode(element)) {
    if (element.is !== 'slot') return children
    const attributes = slotName ? { name: slotName } : {}
    return print('slot', { attributes, dataset: {}, events: new Set(), children: '' })
  }
  const { listeners = {}, captureListeners } = element._$eventTarget ?? {}
  const attributes: Data = {
    ...element._$nodeAttributes,
    ...(element.class && { class: element.class }),
    ...(element.style && { style: element.style }),
    ...(element.id && { id: element.id }),
    ...(element.slot && { slot: element.slot }),
  }
  const events = new Set([...Object.keys(listeners), ...Object.keys(captureListeners ?? {})])
  return print(element.is, { attributes, dataset: element.dataset ?? {}, events, children })
}

/** Spaces between and around the names of a class mean nothing. */
function namesOf(value: unknown): unknown {
  return typeof value === 'string' ? value.trim().replace(/\s+/g, ' ') : value
}

const OWN = new Set(['class', 'id', 'style'])

function propertyOf(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

interface Parts {
  attributes: Data
  dataset: Data
  events: Set<string>
  children: string
}

/**
 * Values keep their types. What has none is not printed: JSON has no `undefined`. Names are those of properties, which is
 * what becomes of them. A class, a style or an id that is empty is none.
 */
function print(tag: string, { attributes, dataset, events, children }: Parts): string {
  const values = (prefix: string, fields: Data) =>
    Object.entries(fields)
      .filter(([name, value]) => value !== undefined && !(value === '' && OWN.has(name)))
      .map(
        ([name, value]) =>
          ` ${prefix}${propertyOf(name)}=${JSON.stringify(name === 'class' ? namesOf(value) : value)}`,
      )
      .sort()
      .join('')
  const listened = [...events].sort().map((event) => ` @${event}`)
  return `<${tag}${values('', attributes)}${values('data-', dataset)}${listened.join('')}>${children}</${tag}>`
}
