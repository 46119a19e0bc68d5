import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import vm from 'node:vm'
import type { ExecutionContext } from 'ava'
import type { Phone } from '../../../simulator/src/index.js'
import { root } from './markdown.js'

/** A mini program that runs. */
export interface MiniProgram {
  /** What it said to its user, and what it showed on its page. */
  toasts: string[]
  shown: object[]
  /** How many lines of the page are about the session. */
  lines: number
  /** Loads the page anew. */
  reload(): void
}

/** What a page of the mini program does with what it was told. */
interface Page {
  onLoad(): void
  setData(data: object): void
}

/** An empty native project with the files that a page of the documents names, as 构建 npm leaves it. Starts its first page. */
export async function openMiniProgram(
  t: ExecutionContext,
  page: string,
  baseUrl: string,
  phone: Phone,
): Promise<MiniProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'weapp-six-lines-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'client/dist'), join(folder, 'miniprogram_npm/weapp-session-client'), {
    recursive: true,
  })
  const text = await readFile(join(root, page), 'utf8')
  let lines = 0
  for (const [, path = '', code = ''] of text.matchAll(
    /```js\n\/\/ ((?:utils|pages)\/\S+)\n([\s\S]*?)```/g,
  )) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(
      join(folder, path),
      code.replace(/https:\/\/api\.example\.com|http:\/\/127\.0\.0\.1:3000/, baseUrl),
    )
    // Those that a page has anyway are none of ours.
    lines += code
      .split('\n')
      .filter((line) => /createSession|createHttp|failed|http\.request/.test(line)).length
  }

  const toasts: string[] = []
  const shown: object[] = []
  let shownPage: Page | undefined
  const globals = {
    wx: { ...phone.wx, showToast: ({ title }: { title: string }) => toasts.push(title) },
    Page: (given: Page) => {
      shownPage = { ...given, setData: (data) => shown.push(data) }
    },
    ...{ setTimeout, clearTimeout, console },
  }
  const context = vm.createContext(globals)
  load(join(folder, 'pages/index/index.js'))
  shownPage?.onLoad()
  return { toasts, shown, lines, reload: () => shownPage?.onLoad() }

  /** The modules of a mini program: its own files, and what is in miniprogram_npm. */
  function load(path: string): unknown {
    const { resolve } = createRequire(path)
    const source = createRequire(path)('node:fs').readFileSync(path, 'utf8') as string
    const module = { exports: {} as unknown }
    const run = vm.runInContext(`(require, module, exports) => {${source}\n}`, context)
    run(
      (name: string) => load(resolve(/^\./.test(name) ? name : join(folder, 'miniprogram_npm', name))),
      module,
      module.exports,
    )
    return module.exports
  }
}
