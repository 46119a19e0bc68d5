import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import type { Phone } from '../../simulator/src/index.js'
import { startServer } from '../support/server.js'
import { until } from '../support/until.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a page of the mini program does with what it was told. */
interface Page {
  onLoad(): void
  setData(data: object): void
}

/** An empty native project with the files that a README names, as 构建 npm leaves it. Starts its first page. */
async function open(t: ExecutionContext, readme: string, baseUrl: string, phone: Phone) {
  const folder = await mkdtemp(join(tmpdir(), 'weapp-six-lines-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'client/dist'), join(folder, 'miniprogram_npm/weapp-session-client'), {
    recursive: true,
  })
  const text = await readFile(join(root, readme), 'utf8')
  let lines = 0
  for (const [, path = '', code = ''] of text.matchAll(
    /```js\n\/\/ ((?:utils|pages)\/\S+)\n([\s\S]*?)```/g,
  )) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), code.replace('https://api.example.com', baseUrl))
    // Those that a page has anyway are none of ours.
    lines += code
      .split('\n')
      .filter((line) => /createSession|createHttp|failed|http\.request/.test(line)).length
  }

  const toasts: string[] = []
  const shown: object[] = []
  let page: Page | undefined
  const globals = {
    wx: { ...phone.wx, showToast: ({ title }: { title: string }) => toasts.push(title) },
    Page: (given: Page) => {
      page = { ...given, setData: (data) => shown.push(data) }
    },
    ...{ setTimeout, clearTimeout, console },
  }
  const context = vm.createContext(globals)
  load(join(folder, 'pages/index/index.js'))
  page?.onLoad()
  return { toasts, shown, lines, reload: () => page?.onLoad() }

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

for (const readme of ['README.md', 'README.zh-CN.md']) {
  test(`${readme}: six lines log in, show errors, and repeat`, async (t) => {
    let status = 200
    const { url, wechat } = await startServer(t, {
      handler(ctx) {
        ctx.status = status
        ctx.body = { user: ctx.$wxUserInfo }
      },
    })
    const phone = wechat.phone()
    const { toasts, shown, lines, reload } = await open(t, readme, url, phone)

    await until(() => shown.length === 1)
    t.deepEqual(JSON.parse(JSON.stringify(shown)), [
      { me: { user: { appId: wechat.appId, openId: phone.user.openId } } },
    ])
    t.deepEqual(toasts, [])
    t.true(lines <= 6, `${lines} lines`)

    status = 500
    reload()
    await until(() => toasts.length === 1)
    t.deepEqual(toasts, ['GET /me: 500'])

    status = 200
    phone.offline = true
    reload()
    phone.offline = false
    await until(() => shown.length === 2)
    t.is(toasts.length, 1)
  })
}
