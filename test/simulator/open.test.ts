import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { createWechat } from '../../simulator/src/index.js'
import { openFolder } from '../../simulator/src/open/folder.js'
import { bundleMiniProgram, OpenError, openMiniProgram } from '../../simulator/src/open/index.js'
import { compileStyle } from '../../simulator/src/open/wxss.js'
import { until } from '../support/until.js'

const programs = fileURLToPath(new URL('../mini-programs', import.meta.url))

/** A mini program of these files, and of one page if there is none among them. */
async function folderWith(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-open-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const page = { 'app.json': '{ "pages": ["index"] }', 'app.js': 'App({})', 'index.wxml': '<view/>' }
  for (const [path, text] of Object.entries({ ...page, ...files })) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  return folder
}

async function open(t: ExecutionContext, folder: string) {
  const wechat = createWechat()
  const log: string[] = []
  const opened = await openMiniProgram({ folder, wechat, log: (sentence) => log.push(sentence) })
  t.teardown(async () => {
    await opened.close()
    await wechat.close()
  })
  return { ...opened, log }
}

const bundled = (folder: string) => bundleMiniProgram({ folder, appId: 'wx1' })

test('openMiniProgram(): what cannot be opened says where and why, by a code', async (t) => {
  const mistakes: [Record<string, string>, string, RegExp][] = [
    [{ 'app.json': '{}' }, 'ERR_OPEN_FOLDER', /there is no app\.json with pages/],
    [{ 'app.json': '{ "pages": ["index"' }, 'ERR_OPEN_FOLDER', /^app\.json is no JSON/],
    [{ 'app.json': '{ "pages": ["index", "none"] }' }, 'ERR_OPEN_FOLDER', /there is no none\.wxml/],
    [{ 'index.wxml': '<view>\n  <view>' }, 'ERR_OPEN_WXML', /^index\.wxml:\d+:\d+: /],
    [{ 'index.wxml': '<view>\n  {{ a + }}</view>' }, 'ERR_OPEN_WXML', /^index\.wxml:2:\d+: /],
    [{ 'index.wxml': '<import src="./none.wxml"/>' }, 'ERR_OPEN_WXML', /none\.wxml is imported/],
    [{ 'index.wxml': '<wxs src="./none.wxs" module="m"/>' }, 'ERR_OPEN_WXML', /none\.wxs is used/],
    [{ 'index.js': 'Page({' }, 'ERR_OPEN_SCRIPT', /index\.js:1:\d+: /],
    [{ 'index.js': "require('./none')" }, 'ERR_OPEN_SCRIPT', /\.\/none is not there/],
    [{ 'index.js': "require('no-such-package')" }, 'ERR_OPEN_SCRIPT', /no-such-package/],
  ]
  for (const [files, code, message] of mistakes) {
    const folder = await folderWith(t, files)
    const error = await t.throwsAsync(bundled(folder), { instanceOf: OpenError, code, message }, `${message}`)
    t.false(error?.message.includes('undefined'))
  }
  await t.throwsAsync(bundled('/no/such/folder'), {
    code: 'ERR_OPEN_FOLDER',
    message: /there is no such folder/,
  })
})

test('openMiniProgram(): nothing outside of the folder is compiled or served, by `..` or by a link', async (t) => {
  const outside = await folderWith(t, {
    'secret.js': 'SECRET',
    'secret.png': 'SECRET',
    'secret.wxss': 'SECRET',
  })
  const up = `../${outside.split('/').at(-1)}/secret`
  await t.throwsAsync(bundled(await folderWith(t, { 'index.js': `require('${up}')` })), {
    message: /leads out/,
  })

  const folder = await folderWith(t, {
    'index.wxss': `@import '${up}.wxss'; .a { background: url(${up}.png) }`,
  })
  await symlink(join(outside, 'secret.js'), join(folder, 'linked.js'))
  await symlink(join(outside, 'secret.png'), join(folder, 'linked.png'))
  await writeFile(join(folder, 'a.png'), 'PICTURE')
  await writeFile(join(folder, 'private.json'), 'SECRET')
  const { assets } = await bundled(folder)
  t.false(assets.get('/phone.js')?.text.includes('SECRET'))
  await writeFile(join(folder, 'index.js'), "require('./linked')")
  await t.throwsAsync(bundled(folder), { code: 'ERR_OPEN_SCRIPT', message: /linked is not there/ })
  await rm(join(folder, 'index.js'))

  const { url } = await open(t, folder)
  t.is(await raw(url, '/files/a.png'), '200 PICTURE')
  for (const path of [
    `/files/${up}.png`,
    `/files/..%2f${outside.split('/').at(-1)}%2fsecret.png`,
    '/files//etc/passwd',
    '/files/linked.png',
    '/files/private.json',
    '/files/app.json',
    '/files/index.wxml',
    '/files/%E0%A4%A',
    '/files/',
  ]) {
    t.regex(await raw(url, path), /^404 /, path)
  }
})

test('openMiniProgram(): it listens on 127.0.0.1, and answers nobody but its own pages', async (t) => {
  const { url } = await open(t, await folderWith(t, {}))
  const { host } = new URL(url)
  t.regex(host, /^127\.0\.0\.1:/)
  const get = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(url, { headers }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end()
    })

  t.is(await get({}), 200)
  t.is(await get({ Host: 'evil.example' }), 403)
  t.is(await get({ Origin: 'https://evil.example' }), 403)
  t.is((await fetch(url, { method: 'POST' })).status, 405)
  t.regex((await fetch(url)).headers.get('content-security-policy') ?? '', /^default-src 'self'/)
  t.regex(await upgrade(host, '/phone/line?user=alice', `Origin: ${url}`), /101 Switching/)
  t.is(await upgrade(host, '/phone/line?user=alice', 'Origin: https://evil.example'), '')
  t.is(await upgrade(host, '/phone/line?user=alice', 'X-No: origin'), '')
  t.is(await upgrade(host, '/other', `Origin: ${url}`), '')
})

test('openMiniProgram(): what is not simulated is said', async (t) => {
  const { log } = await open(
    t,
    await folderWith(t, {
      'app.json': '{ "pages": ["index"], "plugins": { "p": {} } }',
      'index.wxml': '<!-- <camera/> --><view wx:else/><map/><view a="<live-player>"/><foo/><bar/>',
      'index.json': '{ "usingComponents": { "foo": "plugin://p/foo", "bar": "./bar" } }',
    }),
  )

  t.deepEqual(log, [
    'app.json: plugins are not simulated.',
    'index.json: <foo> is plugin://p/foo, which is not here.',
    'index.json: <bar> is ./bar, which is not here.',
    'index.wxml:1:25: invalid attribute',
    '<bar> is neither simulated nor in usingComponents.',
    '<foo> is neither simulated nor in usingComponents.',
    '<map> is neither simulated nor in usingComponents.',
  ])
})

test('openMiniProgram(): packages come from miniprogram_npm, of the folder above or of the root', async (t) => {
  const folder = await folderWith(t, {
    'app.json': '{ "pages": ["index"], "subpackages": [{ "root": "sub", "pages": ["page"] }] }',
    'index.js': "const a = require('a'); const b = require('/lib/b'); Page({ data: { a, b } })",
    'lib/b.ts': "export const b: string = 'from the root'",
    'miniprogram_npm/a/index.js': "module.exports = 'a of the root'",
    'sub/page.wxml': '<c-card/>',
    'sub/page.json': '{ "usingComponents": { "c-card": "c/card" } }',
    'sub/page.js': "const a = require('a'); Page({ data: { a } })",
    'sub/miniprogram_npm/a/index.js': "module.exports = 'a of the package'",
    'sub/miniprogram_npm/c/card/index.wxml': '<view>card</view>',
    'sub/miniprogram_npm/c/card/index.json': '{ "component": true }',
  })
  const { assets, notices } = await bundled(folder)
  const code = assets.get('/phone.js')?.text ?? ''

  t.deepEqual(notices, [])
  for (const text of [
    'a of the root',
    'a of the package',
    'from the root',
    'sub/miniprogram_npm/c/card/index',
  ]) {
    t.true(code.includes(text), text)
  }
})

test('WXSS: rpx, imports, files and the scopes of components', async (t) => {
  const folder = await folderWith(t, {
    'app.wxss': '@import "./lib/base.wxss";\n.a { width: 10rpx; margin: -1.5rpx 0 }',
    'lib/base.wxss': '.base { background: url(../img/a.png) } /* .comment { } */',
    'index.wxml': '<c/>',
    'index.json': '{ "usingComponents": { "c": "c" } }',
    'c.wxml': '<view/>',
    'c.json': '{ "component": true }',
    'c.wxss':
      ':host { color: red } .a.b > view[title=".x"], .c:hover { top: 1.5px } @media (width > 1px) { .d { left: 0 } } @keyframes k { 50% { top: .5px } }',
  })
  const opened = await openFolder(folder)

  t.is(
    await compileStyle(opened, 'app.wxss'),
    '.base { background: url("/files/img/a.png") } \n.a { width: calc(10 * 100vw / 750); margin: calc(-1.5 * 100vw / 750) 0 }',
  )
  t.is(
    await compileStyle(opened, 'c.wxss', 'c1'),
    '[wx-host="c1"] { color: red } .c1--a.c1--b > view[title=".x"], .c1--c:hover { top: 1.5px } @media (width > 1px) { .c1--d { left: 0 } } @keyframes k { 50% { top: .5px } }',
  )
  t.is(await compileStyle(opened, 'none.wxss'), '')
})

test('openMiniProgram(): a change is compiled, and a mistake is shown until it is mended', async (t) => {
  const folder = await folderWith(t, {})
  await cp(join(programs, 'todo'), folder, { recursive: true })
  const { url, log } = await open(t, folder)
  const changes = await fetch(`${url}/changes`)
  const reader = changes.body?.pipeThrough(new TextDecoderStream()).getReader()
  t.teardown(() => reader?.cancel())
  const phone = async () => (await fetch(`${url}/phone`)).text()

  const list = join(folder, 'pages/list/list.wxml')
  await writeFile(list, '<view>{{ a + }}</view>')
  await until(async () => (await phone()).includes('pages/list/list.wxml:1:'))
  t.true(log.some((sentence) => sentence.startsWith('pages/list/list.wxml:1:')))

  await writeFile(list, '<view>mended</view>')
  await until(async () => !(await phone()).includes('list.wxml'))
  t.true((await (await fetch(`${url}/phone.js`)).text()).includes('mended'))
  let told = ''
  while (!told.includes('reload')) told += (await reader?.read())?.value ?? 'reload'
  t.true(told.includes('data: reload'))
})

/** A request whose path is not tidied up on the way. */
async function raw(url: string, path: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const outgoing = request({ hostname, port, path }).end()
  const [response] = await once(outgoing, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  return `${response.statusCode} ${body}`
}

/** What a server says to somebody who asks for a socket. */
async function upgrade(host: string, path: string, header: string): Promise<string> {
  const [hostname = '', port = ''] = host.split(':')
  const socket = connect(Number(port), hostname)
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n${header}\r\n\r\n`,
  )
  let said = ''
  socket.on('data', (data) => {
    said += data
    socket.destroy()
  })
  socket.on('error', () => {})
  await once(socket, 'close')
  return said
}
