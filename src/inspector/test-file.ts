import type { CarrierKind } from '../crypto/ids.js'

/** What a test file is made of. */
export interface TestParts {
  /** How many requests there are. */
  count: number
  /** When the first came: ISO 8601. */
  at: string
  appId: string
  carrier: CarrierKind
  prefix: string
  phones: string[]
  /** The steps of the test. */
  lines: string[]
  /** How the app that stands in answers, by method and path, each time that it is asked. */
  answers: Record<string, { status: number; needsUser?: boolean; rotates?: boolean }[]>
  loginPath: string | undefined
  logoutPath: string | undefined
  /** The header of `headerCarrier({ name })`. */
  sessionHeader: string | undefined
  hasStoreFaults: boolean
}

const SECRET = "'a key for tests, of 32 bytes or more'"

const CARRIERS: Record<
  CarrierKind,
  (header: string | undefined) => { from: string; name: string; text: string }
> = {
  code: () => ({ from: 'koa-weapp-session', name: 'codeCarrier', text: 'codeCarrier()' }),
  header: (header) => ({
    from: 'koa-weapp-session',
    name: 'headerCarrier',
    text: `headerCarrier({ keys: ${SECRET}${header ? `, name: '${header}'` : ''} })`,
  }),
  cookie: () => ({
    from: 'koa-weapp-session',
    name: 'cookieCarrier',
    text: `cookieCarrier({ keys: ${SECRET}, secure: false })`,
  }),
  jwt: () => ({
    from: 'koa-weapp-session/jwt',
    name: 'jwtCarrier',
    text: `jwtCarrier({ keys: ${SECRET} })`,
  }),
}

/** A module for `node --test`. */
export function printFile(parts: TestParts): string {
  const { count, at, appId, carrier, prefix, phones, lines, answers, hasStoreFaults } = parts
  const { from, name, text } = CARRIERS[carrier](parts.sessionHeader)
  const own = [
    'memoryStore',
    'requireWxUser',
    'weappSession',
    ...(from === 'koa-weapp-session' ? [name] : []),
  ]
  const options = [
    `carrier: ${text}`,
    ...(prefix && prefix !== 'Weapp-' ? [`headers: '${prefix}'`] : []),
    ...(parts.loginPath ? [`loginPath: ${JSON.stringify(parts.loginPath)}`] : []),
    ...(parts.logoutPath ? [`logoutPath: ${JSON.stringify(parts.logoutPath)}`] : []),
  ]
  return `// ${count} request${count === 1 ? '' : 's'}, seen at ${at}.
//   npm install -D koa koa-weapp-session weapp-simulator
//   node --test trace.test.mjs
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test from 'node:test'
import Koa from 'koa'
import { ${own.sort().join(', ')} } from 'koa-weapp-session'
${from === 'koa-weapp-session' ? '' : `import { ${name} } from '${from}'\n`}import { createWechat } from 'weapp-simulator'

/** Stands for your app, and answers as it did. Put your own in its place: \`options\` are for weappSession(). */
function createApp(options) {
  const app = new Koa()
  const session = weappSession({ ...options, ${options.join(', ')} })
  const answers = ${JSON.stringify(answers, undefined, 2).replaceAll('\n', '\n  ')}
  app.silent = true
  app.use(session)
  app.use(async (ctx) => {
    const next = answers[\`\${ctx.method} \${ctx.path}\`]?.shift()
    if (next?.needsUser && !ctx.$wxUserInfo) return requireWxUser()(ctx, async () => {})
    if (next?.rotates) await ctx.$wxSession.rotate()
    ctx.body = { user: ctx.$wxUserInfo }
    ctx.status = next?.status ?? 200
  })
  return { app, session }
}

test('${count} request${count === 1 ? '' : 's'} of ${at}', async (t) => {
  const wechat = createWechat({ appId: ${JSON.stringify(appId)} })
  t.after(() => wechat.close())
  const { appId, appSecret, fetch } = wechat
${hasStoreFaults ? STORE : '  const store = memoryStore()\n'}  const { app, session } = createApp({ appId, appSecret, store, wechat: { fetch } })
  const server = createServer(app.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const send = sender(\`http://127.0.0.1:\${server.address().port}\`)
${phones.map((phone, i) => `  const ${phone} = wechat.phone('user ${i + 1}')\n`).join('')}${lines.map((line) => (line ? `  ${line}` : '')).join('\n')}
})

/** Sends a request, and says what came back: with the credential that it brings. */
function sender(url) {
  return async function send(method, path, headers = {}, body = undefined) {
    const response = await fetch(url + path, { method, headers, body, redirect: 'manual' })
    const text = await response.text()
    const fields = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : {}
    const get = (name) => response.headers.get(\`${prefix || 'Weapp-'}\${name}\`) ?? response.headers.get(\`X-WX-\${name}\`)
    const [cookie] = response.headers.getSetCookie().flatMap((line) => line.match(/^[^=;]+=[\\w-]{43}\\.[\\w-]{43}/) ?? [])
    const credential = ${parts.sessionHeader ? `response.headers.get('${parts.sessionHeader}') ?? ` : ''}get('Session') ?? get('Token') ?? cookie ?? fields?.session ?? fields?.token
    return { status: response.status, headers: response.headers, credential }
  }
}

/** What a mini program sends when it logs in: a code, and what wx.getUserInfo() gives. */
async function logIn({ wx }) {
  const { code } = await new Promise((success, fail) => wx.login({ success, fail }))
  const info = await new Promise((success, fail) => wx.getUserInfo({ success, fail }))
  return { code, ...info }
}

/** A session that was there before: its credential. */
async function begin(send, phone) {
  const { code } = await logIn(phone)
  const { credential } = await send('GET', '/', { '${prefix || 'Weapp-'}Code': code, '${prefix || 'Weapp-'}Login': 'code' })
  return credential ?? code
}

/** Not what WeChat has signed. */
function tampered(rawData) {
  return JSON.stringify({ ...JSON.parse(rawData), nickName: '管理员' })
}
`
}

const STORE = `  let isStoreDown = false
  const memory = memoryStore()
  const store = { ...memory }
  for (const [name, call] of Object.entries(memory)) {
    if (typeof call !== 'function' || name === 'close') continue
    store[name] = (...args) => {
      if (isStoreDown) throw new Error('the store is away')
      return call(...args)
    }
  }
`
