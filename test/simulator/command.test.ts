import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { runCommand, startCommand } from '../support/command.js'
import { controlAt } from '../support/simulator-server.js'

// They run what `npm run build` has made.

const run = promisify(execFile)

test('weapp-simulator: the curl line that it prints is a login, and the next code is one call away', async (t) => {
  const { output, url } = await startCommand(t)
  const lines = output.split('\n').filter((line) => line.startsWith('  curl'))

  const login = await run('sh', ['-c', lines[0] ?? ''])
  t.regex(login.stdout, /^\{"session_key":"[\w+/]{22}==","openid":"o[\w-]{27}"\}$/)
  const next = await run('sh', ['-c', lines[1] ?? ''])
  t.regex(JSON.parse(next.stdout).code, /^\w{32}$/)

  const [, appId] = /AppID +(wx[0-9a-f]{16})\n/.exec(output) ?? []
  const [, appSecret] = /AppSecret +([0-9a-f]{32})\n/.exec(output) ?? []
  t.like((await controlAt(url)('GET', '/app')).body, { appId, appSecret, strict: false })
  t.true(output.split('\n').length < 24, 'it fits a screen')
})

test('weapp-simulator: --app-id, --app-secret, --union-ids, --strict, --tourist, --lang', async (t) => {
  const args = [
    '--app-id',
    'wx-dev',
    '--app-secret=s',
    '--union-ids',
    '--strict',
    '--tourist',
    '--lang',
    'zh',
  ]
  const { output, url } = await startCommand(t, args)

  t.regex(output, /AppID +wx-dev\n +AppSecret +s\n +严格模式 .*\n +游客模式 /)
  t.like((await controlAt(url)('GET', '/app')).body, { appId: 'wx-dev', appSecret: 's', strict: true })
  const query = 'appid=wx-dev&secret=s&js_code=the%20code%20is%20a%20mock%20one&grant_type=authorization_code'
  const session = JSON.parse(await (await fetch(`${url}/sns/jscode2session?${query}`)).text())
  t.regex(session.unionid, /^o/)
})

test('weapp-simulator: a port that is taken is left alone, and the next free one is said', async (t) => {
  const taken = createServer()
  t.teardown(() => taken.close())
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }

  const { output, url } = await startCommand(t, ['--port', `${port}`])

  t.regex(output, new RegExp(`^Port ${port} is taken; this is ${new URL(url).port}\\.\n`))
  t.true(Number(new URL(url).port) > port)
})

test.serial('weapp-simulator: SIGINT and SIGTERM end it at once, whatever it is doing', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { url, child, ended } = await startCommand(t)
    await controlAt(url)('POST', '/faults', { fault: 'hang', times: 'always' })
    const hanging = [
      `${url}/sns/jscode2session`,
      `${url}/simulator/changes`,
      `${url}/simulator/calls?wait=30&after=9`,
    ]
    const cut = Promise.allSettled(hanging.map(async (one) => (await fetch(one)).text()))
    await controlAt(url)('GET', '/calls?wait=5')

    const began = performance.now()
    child.kill(signal)

    t.is(await ended, 0)
    t.log(`${signal}: ${Math.round(performance.now() - began)} ms`)
    t.true(performance.now() - began < 1000)
    t.true((await cut).every(({ status }) => status === 'rejected'))
  }
})

const MISTAKES: [args: string[], sentence: RegExp][] = [
  [['--prot', '3'], /There is no option --prot\. Do you mean --port\?/],
  [['--everything'], /There is no option --everything\. npx weapp-simulator --help/],
  [['-x'], /There is no option -x\./],
  [['start'], /"start" is no option: options begin with --\./],
  [['--port'], /--port needs a value\./],
  [['--port', '65536'], /--port is a number from 0 to 65535, not "65536"\./],
  [['--port=http'], /--port is a number from 0 to 65535, not "http"\./],
  [['--state', '--tls'], /--state needs a value\./],
  [['--state='], /--state needs a value\./],
  [['--strict=yes'], /--strict takes no value\./],
  [['--lang', 'fr'], /--lang is zh or en, not "fr"\./],
  [['--lang', 'zh', '--prot'], /没有 --prot 这个选项。是不是 --port？/],
]

test('weapp-simulator: what is wrong with its options is said in a sentence', async (t) => {
  for (const [args, sentence] of MISTAKES) {
    const { code, stdout, stderr } = await runCommand(args)

    t.deepEqual([code, stdout], [2, ''], args.join(' '))
    t.regex(stderr, sentence)
    t.regex(stderr, /^weapp-simulator: [^\n]+\n$/)
  }
})

test('weapp-simulator: --help lists every option, --version says the version, in the language of the shell', async (t) => {
  const [english, chinese] = [await runCommand(['--help']), await runCommand(['-h'], { LANG: 'zh_CN.UTF-8' })]
  const names = (help: string) => Array.from(help.matchAll(/^ {2}(--[\w-]+)/gm), ([, name]) => name)

  t.deepEqual(names(english.stdout), names(chinese.stdout))
  t.true(names(english.stdout).length >= 12)
  t.regex(chinese.stdout, /用法/)
  t.true(english.stdout.split('\n').every((line) => line.length <= 110))
  const { version } = JSON.parse(readFileSync('simulator/package.json', 'utf8'))
  t.deepEqual(await runCommand(['-v']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

test('weapp-simulator: it refuses production, in a sentence', async (t) => {
  const { code, stderr } = await runCommand([], { NODE_ENV: 'production' })

  t.is(code, 1)
  t.regex(stderr, /^weapp-simulator: It lets anybody log in as anybody, [^\n]+\n$/)
})

test('weapp-simulator: --tls speaks HTTPS as api.weixin.qq.com beside HTTP, for whoever trusts its certificate', async (t) => {
  const folder = newFolder(t)
  const { output, url } = await startCommand(t, ['--tls', '--tls-folder', folder])
  const { port } = new URL(url)
  const ca = readFileSync(join(folder, 'cert.pem'))
  t.regex(output, /127\.0\.0\.1 api\.weixin\.qq\.com\n/)
  t.is(statSync(join(folder, 'key.pem')).mode & 0o077, 0)

  const asWechat = await get({ port, ca, servername: 'api.weixin.qq.com', path: '/sns/jscode2session' })
  t.is(JSON.parse(asWechat).errcode, 41002)
  const host = 'api.weixin.qq.com'
  const path = '/simulator/app'
  t.truthy(JSON.parse(await get({ port, ca, servername: host, path, headers: { host } })).appId)
  t.is((await fetch(`${url}/simulator/app`)).status, 200)
  await t.throwsAsync(get({ port, servername: host, path }), { message: /self-signed|unable to verify/ })
  await t.throwsAsync(get({ port, ca, servername: 'other.example', path }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })

  // As the command says it.
  const [curl = ''] = output.split('\n').filter((line) => line.includes('--cacert'))
  t.regex((await run('sh', ['-c', curl])).stdout, /"routes"/)
  const program = `fetch('https://localhost:${port}/simulator/app').then((r) => console.log(r.status))`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') }
  t.is((await run(process.execPath, ['-e', program], { env })).stdout, '200\n')

  // Trust is given once: the next start has the same certificate.
  await startCommand(t, ['--tls-folder', folder])
  t.deepEqual(readFileSync(join(folder, 'cert.pem')), ca)
})

test('weapp-simulator: --tls without openssl says what is missing', async (t) => {
  const { code, stderr } = await runCommand(['--tls', '--tls-folder', newFolder(t)], { PATH: '/nowhere' })

  t.is(code, 1)
  t.regex(stderr, /^weapp-simulator: --tls needs the program openssl [^\n]+\n$/)
})

test('weapp-simulator: --state keeps all that anybody was told, over a kill -9', async (t) => {
  const state = join(newFolder(t), 'state.json')
  const first = await startCommand(t, ['--state', state])
  const app = (await controlAt(first.url)('GET', '/app')).body
  const exchangeAt = async (url: string, code: string) => {
    const fields = {
      appid: app.appId,
      secret: app.appSecret,
      js_code: code,
      grant_type: 'authorization_code',
    }
    return JSON.parse(await (await fetch(`${url}/sns/jscode2session?${new URLSearchParams(fields)}`)).text())
  }
  const tokenUrl = `/cgi-bin/token?grant_type=client_credential&appid=${app.appId}&secret=${app.appSecret}`
  const control = controlAt(first.url)
  await control('POST', '/clock', { advance: '1h' })
  await control('POST', '/users', { name: 'bob', phoneNumber: '13800138000', nickName: '小波' })
  const [used, fresh] = [await control('POST', '/users/bob/code'), await control('POST', '/users/bob/code')]
  const session = await exchangeAt(first.url, used.body.code)
  const token = JSON.parse(await (await fetch(first.url + tokenUrl)).text()).access_token
  const last = await control('POST', '/users/last/code')

  first.child.kill('SIGKILL')
  t.is(await first.ended, 'SIGKILL')
  const { url, output } = await startCommand(t, ['--state', state])

  t.true(output.includes(state))
  const again = controlAt(url)
  t.like((await again('GET', '/app')).body, { appId: app.appId, appSecret: app.appSecret })
  t.like((await again('GET', '/users/bob')).body, {
    ...{ phoneNumber: '13800138000', nickName: '小波', openId: session.openid },
  })
  t.is((await exchangeAt(url, used.body.code)).errcode, 40163)
  const { openid, session_key } = await exchangeAt(url, fresh.body.code)
  t.deepEqual({ openid, session_key }, session)
  t.truthy((await exchangeAt(url, last.body.code)).openid)
  t.is((await again('GET', '/tokens')).body.tokens[0].accessToken, token)
  t.true((await again('GET', '/clock')).body.ahead >= 3_599_000)
  t.is(statSync(state).mode & 0o077, 0)
})

test('weapp-simulator: --state with a file that is none says so, and leaves it as it is', async (t) => {
  const folder = newFolder(t)
  const state = join(folder, 'state.json')
  const wrong: [content: string, sentence: RegExp][] = [
    ['{', /is no state file of weapp-simulator: it is not JSON\. Move it away/],
    ['{"name":"x"}', /is no state file of weapp-simulator: the file\.name is unknown/],
    ['[]', /the file is not an object/],
    ['', /it is not JSON/],
    ['{"weappSimulator":2}', /the file\.weappSimulator is not from 1 to 1/],
  ]
  for (const [content, sentence] of wrong) {
    writeFileSync(state, content)
    const { code, stderr } = await runCommand(['--port', '0', '--state', state])
    t.deepEqual([code, readFileSync(state, 'utf8')], [1, content])
    t.regex(stderr, sentence)
    t.regex(stderr, /^weapp-simulator: [^\n]+\n$/)
  }
  const isFolder = await runCommand(['--port', '0', '--state', folder])
  t.regex(isFolder.stderr, /^weapp-simulator: the state file .* cannot be read: EISDIR[^\n]+\n$/)
  const nowhere = await runCommand(['--port', '0', '--state', join(folder, 'none/state.json')])
  t.regex(nowhere.stderr, /^weapp-simulator: the state file .* cannot be written: ENOENT[^\n]+\n$/)
})

test('weapp-simulator: --state of another app is refused', async (t) => {
  const state = join(newFolder(t), 'state.json')
  const { child, ended } = await startCommand(t, ['--state', state, '--app-id', 'wx-one'])
  child.kill()
  await ended

  const { code, stderr } = await runCommand(['--port', '0', '--state', state, '--app-id', 'wx-two'])

  t.is(code, 1)
  t.regex(stderr, /is of the app wx-one, not of wx-two/)
})

function newFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-command-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function get(options: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', agent: false, ...options }, (response) =>
      resolve(text(response)),
    )
    sent.on('error', reject)
    sent.end()
  })
}

test('weapp-simulator: --open runs a mini program in a browser, on phones of this WeChat', async (t) => {
  const folder = fileURLToPath(new URL('../mini-programs/todo', import.meta.url))
  const { output, ended, interrupt } = await startCommand(t, ['--open', folder])
  const [, page = ''] = /Mini app +(http:\/\/127\.0\.0\.1:\d+)/.exec(output) ?? []

  const answer = await fetch(page)
  t.is(answer.status, 200)
  t.regex(await answer.text(), /<script/)
  interrupt()
  t.is(await ended, 0)
  await t.throwsAsync(fetch(page))
})

test('weapp-simulator: --open of what is no mini program says so', async (t) => {
  const folder = newFolder(t)
  const wrong: [folder: string, sentence: RegExp][] = [
    [join(folder, 'none'), /there is no such folder/],
    [folder, /there is no app\.json with pages/],
  ]
  for (const [path, sentence] of wrong) {
    const { code, stderr } = await runCommand(['--port', '0', '--open', path])
    t.is(code, 1)
    t.regex(stderr, sentence)
    t.regex(stderr, /^weapp-simulator: [^\n]+\n$/)
  }
})
