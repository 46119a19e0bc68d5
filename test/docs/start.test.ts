import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Phone } from '../../simulator/src/index.js'
import { headerCarrier } from '../../src/index.js'
import { freePort, useRedis } from '../support/redis.js'
import { startServer } from '../support/server.js'
import { type Simulator, startSimulator } from '../support/simulator-server.js'
import { until } from '../support/until.js'
import { type Page, readPage, root } from './support/markdown.js'
import { openMiniProgram } from './support/native-project.js'

const redis = useRedis(test)

for (const path of ['docs/start.md', 'docs/zh/start.md']) {
  const page = readPage(path)

  test.serial(`${path}: the one file prints what the page says, and turns strangers away`, async (t) => {
    const { url, printed } = await runFile(t, fileOf(page, 'app.mjs'))

    await until(() => printed().split('\n').length > 2)

    t.is(hideOpenIds(printed()), textOf(page, '{ openId'))
    const stranger = await fetch(`${url}/me`)
    t.deepEqual([stranger.status, stranger.headers.get('Weapp-Session-Error')], [401, 'ERR_LOGIN_REQUIRED'])
  })

  test.serial(`${path}: with one line more, the session is in Redis`, async (t) => {
    const own = redis()
    const { text: block = '' } = page.blocks.find(({ text }) => text.includes('redisStore')) ?? {}
    const [line = ''] = /^.*redis:\/\/.*$/m.exec(block) ?? []
    t.is(withRedis(optionsOf(fileOf(page, 'app.mjs')), line), optionsOf(block))
    const prefix = `redisStore({ prefix: '${own.prefix}', url: '${own.url}'`
    const text = withRedis(fileOf(page, 'app.mjs'), line)
      .replace("redisStore({ url: 'redis://127.0.0.1:6379'", prefix)
      .replace('requireWxUser, ', 'redisStore, requireWxUser, ')

    const { printed } = await runFile(t, text)
    await until(() => printed().split('\n').length > 2)

    t.is(hideOpenIds(printed()), textOf(page, '{ openId'))
    t.is((await own.entries()).length, 3, 'a session, its code, and the list of a user')
  })

  test.serial(`${path}: a mini program in tourist mode logs in`, async (t) => {
    const { phone, simulator, server } = await startInDevTools(t, page, { tourist: true })
    const { toasts, shown, lines, reload } = await openMiniProgram(t, path, server.url, phone)

    await until(() => shown.length === 1)
    reload()
    await until(() => shown.length === 2)

    const { openId } = simulator.wechat.user('tourist')
    t.deepEqual(JSON.parse(JSON.stringify(shown)), [
      { me: { openId, visits: 1 } },
      { me: { openId, visits: 2 } },
    ])
    t.deepEqual([toasts, lines, simulator.wechat.exchanges], [[], 6, 1])

    // 编译: another start, with the same storage.
    phone.coldStart()
    phone.tourist = true
    const again = await openMiniProgram(t, path, server.url, phone)
    await until(() => again.shown.length === 1)
    t.like(again.shown[0], { me: { visits: 3 } })
    t.is(simulator.wechat.exchanges, 1)
  })

  test.serial(`${path}: what its Network panel shows`, async (t) => {
    const { phone, server } = await startInDevTools(t, page, { tourist: true })
    const seen = listenTo(phone)
    const { shown, reload } = await openMiniProgram(t, path, server.url, phone)
    await until(() => shown.length === 1)
    reload()
    await until(() => shown.length === 2)

    const [table] = page.text.match(/(?<=\n\| \| .*\n)[\s\S]*?(?=\n\n)/) ?? []
    const namesIn = (cell = '') => Array.from(cell.matchAll(/`(Weapp-[\w-]+):/g), ([, name]) => name)
    const rows = table?.split('\n').slice(1) ?? []
    t.deepEqual(
      seen,
      rows.map((row) => {
        const [, , request, response] = row.split('|')
        return { request: namesIn(request), response: namesIn(response) }
      }),
    )
  })

  test.serial(`${path}: what fails in tourist mode, as its table says`, async (t) => {
    const rows = page.text.split('\n').filter((row) => row.startsWith('| '))
    const { phone, server } = await startInDevTools(t, page, { tourist: false })
    const warned: string[] = []
    const { warn } = console
    console.warn = (text) => warned.push(text)
    t.teardown(() => {
      console.warn = warn
    })

    const { toasts } = await openMiniProgram(t, path, server.url, phone)
    await until(() => toasts.length === 1)

    const said = /`(GET \/me: 401 [^`]*?): …`/.exec(rows.join('\n'))?.[1] ?? 'nothing'
    t.true(toasts[0]?.startsWith(said), toasts[0])
    t.true(rows.some((row) => row.includes(warned[0]?.replace('weapp-session-client: ', '') ?? '-')))
  })

  test.serial(`${path}: the mock code brings the same session, until the server starts again`, async (t) => {
    const { phone, simulator, server, start } = await startInDevTools(t, page, { tourist: true })
    const first = await openMiniProgram(t, path, server.url, phone)
    await until(() => first.shown.length === 1)
    // 清除数据缓存, and 编译.
    const open = async () => {
      phone.coldStart()
      phone.tourist = true
      phone.wx.clearStorageSync()
      return openMiniProgram(t, path, server.url, phone)
    }
    const back = await open()
    await until(() => back.shown.length === 1)
    t.like(back.shown[0], { me: { visits: 2 } })

    await server.stop()
    await start()
    const anew = await open()
    await until(() => anew.shown.length === 1)
    t.like(anew.shown[0], { me: { visits: 1 } })
    t.is(simulator.wechat.exchanges, 2)
  })
}

test('docs/start.md: the code of a project with an AppID is nothing to the simulator', async (t) => {
  const { wechat } = await startSimulator(t, { appId: 'wx-dev', tourist: true })
  const real = await startSimulator(t, { appId: 'wx-dev' })
  const server = await startServer(t, { weixin: wechat })
  const phone = real.wechat.phone('alice')

  const { toasts } = await openMiniProgram(t, 'docs/start.md', server.url, phone)
  await until(() => toasts.length === 1)

  t.regex(toasts[0] ?? '', /^GET \/me: 401 ERR_SESSION_KEY_EXCHANGE_FAILED \(WeChat 40029\)/)
})

test('docs/start.md: in tourist mode, who was logged out stays out for a while', async (t) => {
  const { wechat } = await startSimulator(t, { tourist: true })
  const server = await startServer(t, {
    weixin: wechat,
    carrier: headerCarrier({ keys: 'k'.repeat(32) }),
    handler: (ctx) => {
      ctx.body = { openId: ctx.$wxUserInfo?.openId }
    },
  })
  const phone = wechat.phone('alice')
  phone.tourist = true
  const seen = listenTo(phone)
  const { toasts, shown, reload } = await openMiniProgram(t, 'docs/start.md', server.url, phone)
  await until(() => shown.length === 1)

  await server.session.revoke(wechat.user('tourist').openId)
  reload()
  await until(() => toasts.length === 1)

  t.regex(toasts[0] ?? '', /sessions end at once/)
  t.true(seen.at(-1)?.response.includes('Weapp-Session-Error'))
})

/** The server of the page, with its `.env`, a simulator, and a phone as DevTools has one without an AppID. */
async function startInDevTools(t: ExecutionContext, page: Page, { tourist }: { tourist: boolean }) {
  const printed = Object.fromEntries(
    textOf(page, 'WEAPP_ID=')
      .split('\n')
      .map((line) => line.split('=')),
  ) as Record<string, string>
  // `dev`, as the page has it, turns up in any output.
  const simulator: Simulator = await startSimulator(t, { appId: printed.WEAPP_ID ?? '', tourist })
  const env = { ...printed, WEAPP_SECRET: simulator.wechat.appSecret, WECHAT_URL: simulator.url }
  const port = await freePort()
  const start = () => runFile(t, fileOf(page, 'server.mjs'), env, port)
  const server = await start()
  const phone = simulator.wechat.phone('alice', { envVersion: 'develop' })
  phone.tourist = true
  return { phone, simulator, server, start }
}

/** The headers of this protocol in each request that the phone sends, and in its response. */
function listenTo({ wx }: Phone): { request: string[]; response: string[] }[] {
  const seen: { request: string[]; response: string[] }[] = []
  const names = (header: object | undefined) =>
    Object.keys(header ?? {}).filter((name) => name.startsWith('Weapp-'))
  const { request } = wx
  wx.request = (options) =>
    request({
      ...options,
      success(result) {
        seen.push({ request: names(options.header), response: names(result.header) })
        options.success?.(result)
      },
    })
  return seen
}

/** The file of that name, as the page prints it. */
function fileOf({ blocks, path }: Page, name: string): string {
  const block = blocks.find(({ text }) => text.startsWith(`// ${name}\n`))
  if (!block) throw new Error(`${path} has no ${name}`)
  return block.text
}

function textOf({ blocks, path }: Page, beginning: string): string {
  const block = blocks.find(({ text }) => text.startsWith(beginning))
  if (!block) throw new Error(`${path} has no text that begins with ${beginning}`)
  return block.text
}

/** What the page changes for Redis. */
function optionsOf(code: string): string {
  return /weappSession\(\{[\s\S]*?\n\}\)/.exec(code)?.[0] ?? ''
}

function withRedis(code: string, line: string): string {
  return code.replace(/(weappSession\(\{[\s\S]*?\n)\}\)/, (_, options) => `${options}${line}\n})`)
}

function hideOpenIds(printed: string): string {
  return printed.replace(/openId: 'o[\w-]+'/g, "openId: 'o…'").trim()
}

interface RunningFile {
  url: string
  printed(): string
  stop(): Promise<void>
}

/** Runs a file of the page on a port that is free here, on the sources. Resolves when it serves. */
async function runFile(
  t: ExecutionContext,
  text: string,
  env: Record<string, string> = {},
  given?: number,
): Promise<RunningFile> {
  const port = given ?? (await freePort())
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, '.tmp/start-'))
  const file = join(folder, 'file.mjs')
  writeFileSync(
    file,
    text
      .replace('listen(3000)', `listen(${port}, '127.0.0.1')`)
      .replace('127.0.0.1:3000', `127.0.0.1:${port}`),
  )
  const child: ChildProcess = spawn(process.execPath, ['--import=tsx', file], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: join(root, 'test/support/sources.tsconfig.json'), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const stop = async () => {
    if (!isRunning()) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  t.teardown(async () => {
    await stop()
    rmSync(folder, { recursive: true, force: true })
  })
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const url = `http://127.0.0.1:${port}`
  await until(
    () =>
      !isRunning() ||
      fetch(url).then(
        () => true,
        () => false,
      ),
  )
  if (!isRunning()) throw new Error(`it ended: ${output}`)
  return { url, printed: () => output, stop }
}
