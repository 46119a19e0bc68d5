/** SDKs of others take the simulator for WeChat: docs/simulator-table.md has the results. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import { ensureProgram } from '../../scripts/debian.js'
import type { LoginOptions, LoginResult, Phone, Wechat } from '../../simulator/src/index.js'
import { run } from '../packages/support/pack.js'
import { isInMatrix, versionIn } from '../support/matrix-row.js'
import { startWechat } from '../support/wechat.js'
import { type Installed, install } from './support/install.js'

const PAGE = 'docs/simulator-table.md'
const EVENTS = { token: 'AAAAA', encodingAesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' }

const hasOpenssl = ensureProgram({ command: 'openssl', versionFlag: 'version', package: 'openssl' })
const testWithTls = hasOpenssl ? test.serial : test.serial.skip
let installed: Installed

test.before('sdks: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('sdks', [])
  if (hasOpenssl) makeCertificate(installed.folder)
})

test.after.always(() => installed?.remove())

type Call = 'login' | 'token' | 'phone'

/** What an SDK is tried with, beside its name. */
interface Sdk {
  title: string
  package: string
  /** What it has no call for. */
  lacks?: readonly Call[]
  /** What it has no call of its own for, but a way to send any. */
  general?: readonly Call[]
  platform?: 'wecom'
}

const SDKS: Record<string, Sdk> = {
  'co-wechat-api': { title: 'co-wechat-api', package: 'co-wechat-api', general: ['phone'] },
  'wechat-api': { title: 'wechat-api', package: 'wechat-api', lacks: ['login'], general: ['phone'] },
  'wechat-oauth': { title: 'wechat-oauth', package: 'wechat-oauth', lacks: ['token', 'phone'] },
  'node-easywechat': { title: 'node-easywechat', package: 'node-easywechat', general: ['phone'] },
  'nest-wechat': { title: 'nest-wechat', package: 'nest-wechat' },
  'wechat-jssdk': { title: 'wechat-jssdk', package: 'wechat-jssdk', lacks: ['token', 'phone'] },
  tnwx: { title: '@tnwx/miniprogram', package: '@tnwx/miniprogram', lacks: ['phone'] },
  'node-easywechat-component': {
    ...{ title: 'node-easywechat, 第三方平台', package: 'node-easywechat', general: ['phone'] },
  },
  'node-easywechat-work': {
    ...{ title: 'node-easywechat, 企业微信', package: 'node-easywechat' },
    ...{ lacks: ['phone'], general: ['login'], platform: 'wecom' },
  },
}

/** What an SDK gave for each call: its value, or the text of its error. */
type Results = Partial<Record<'login' | 'used' | 'token' | 'phone' | 'wrongPhone', Record<string, unknown>>>

for (const [name, sdk] of Object.entries(SDKS)) {
  const { title, package: packageName, lacks = [], general = [], platform = 'wechat' } = sdk

  testWithTls(
    `${title}: a login, a token and a phone number; refusals arrive with WeChat’s text`,
    async (t) => {
      t.timeout(60_000)
      const wechat = startWechat(t, { platform })
      const phone = wechat.phone({ name: 'alice', phoneNumber: '13800138000' })

      const results = await runSdk(t, name, wechat, phone)

      if (!lacks.includes('login')) {
        const openId = platform === 'wecom' ? 'alice' : phone.user.openId
        t.is(results.login?.openid, openId, JSON.stringify(results.login))
        t.truthy(results.login?.session_key)
        t.regex(String(results.used?.error), platform === 'wecom' ? /invalid code/ : /code been used/)
      }
      if (!lacks.includes('token')) t.regex(String(results.token?.access_token), /^\d\d_\w{133}$/)
      if (!lacks.includes('phone')) {
        const { phone_info } = results.phone ?? {}
        t.is((phone_info as { purePhoneNumber?: string } | undefined)?.purePhoneNumber, '13800138000')
        const { error, errmsg } = results.wrongPhone ?? {}
        t.regex(String(error ?? errmsg), /invalid code hint: \[/)
      }
      const version = versionIn(installed.folder, packageName)
      const can = (what: Call) =>
        lacks.includes(what) ? '–' : general.includes(what) ? 'by its client' : 'yes'
      isInMatrix(t, PAGE, [
        title,
        version,
        can('login'),
        can('token'),
        can('phone'),
        'told with WeChat’s text',
      ])
    },
  )
}

/** Those that check and decrypt what WeChat sends; with XML, where they know nothing else. */
const RECEIVERS = {
  'co-wechat': { package: 'co-wechat', format: 'xml' },
  'wechat-crypto': { package: 'wechat-crypto', format: 'json' },
  'wecom-crypto': { package: '@wecom/crypto', format: 'json' },
  'node-easywechat': { package: 'node-easywechat', format: 'xml' },
} as const

for (const [name, { package: packageName, format }] of Object.entries(RECEIVERS)) {
  test.serial(`${packageName}: decrypts an event of WeChat’s, and finds its signature right`, async (t) => {
    t.timeout(60_000)
    const wechat = startWechat(t)
    const { port, next } = await startReceiver(t, name, wechat.appId)
    const push = wechat.push({ url: `http://127.0.0.1:${port}/`, ...EVENTS, mode: 'safe', format })
    const arrived = next()

    const isVerified = await push.verify()
    const { isAccepted } = await push.revoke('alice', ['8'])

    t.true(isAccepted)
    t.like(await arrived, { Event: 'user_authorization_revoke', OpenID: wechat.user('alice').openId })
    const version = versionIn(installed.folder, packageName)
    isInMatrix(t, PAGE, [
      `${packageName}, as a server`,
      version,
      format,
      'decrypted, signature right',
      isVerified ? 'yes' : 'no',
    ])
  })
}

test.serial('node-easywechat, 第三方平台: keeps the ticket that WeChat pushes', async (t) => {
  t.timeout(60_000)
  const { component } = startWechat(t)
  const { port, next } = await startReceiver(t, 'node-easywechat-component', component.appId)
  const arrived = next()

  const { isAccepted } = await component.push({ url: `http://127.0.0.1:${port}/`, ...EVENTS }).ticket()

  t.true(isAccepted)
  t.deepEqual(await arrived, { ticket: component.verifyTicket })
  const version = versionIn(installed.folder, 'node-easywechat')
  isInMatrix(t, PAGE, [
    'node-easywechat, as a platform’s server',
    version,
    'xml',
    'decrypted, ticket kept',
    '–',
  ])
})

/** Runs one SDK in a process of its own, in which WeChat's hosts are at the simulator. */
async function runSdk(t: ExecutionContext, name: string, wechat: Wechat, phone: Phone): Promise<Results> {
  const { folder } = installed
  const port = await startTls(t, await wechat.listen())
  const codeOf = (login: (options: LoginOptions) => void) => {
    return new Promise<string>((resolve, reject) => {
      login({ success: ({ code }: LoginResult) => resolve(code), fail: reject })
    })
  }
  const code = await codeOf(
    wechat.platform === 'wecom' ? (options) => phone.wx.qy?.login(options) : phone.wx.login,
  )
  const { appId, appSecret, verifyTicket } = wechat.component
  const component = {
    appId,
    appSecret,
    verifyTicket,
    authorizationCode: wechat.component.authorize(),
    ...EVENTS,
  }
  const app = { appId: wechat.appId, appSecret: wechat.appSecret, component, wecom: wechat.wecom, folder }
  const codes = { login: code, used: code, phone: phone.requestUserPhoneCode(), wrongPhone: 'x' }

  const argument = JSON.stringify({ name, app, codes })
  const { stdout } = await run(process.execPath, ['--require', './to-simulator.cjs', 'login.mjs', argument], {
    cwd: folder,
    env: {
      ...{ PATH: process.env.PATH, HOME: folder, TMPDIR: folder, SIMULATOR_TLS_PORT: String(port) },
      NODE_EXTRA_CA_CERTS: join(folder, 'certificate.pem'),
    },
    timeout: 50_000,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}')
}

/** The simulator behind the names of WeChat's hosts. Resolves to its port. */
async function startTls(t: ExecutionContext, base: string): Promise<number> {
  const [cert, key] = ['certificate.pem', 'key.pem'].map((name) => readFileSync(join(installed.folder, name)))
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    const { method, headers, url } = incoming
    const forwarded = request(new URL(url ?? '/', base), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** A server by an SDK, in a process of its own. */
async function startReceiver(
  t: ExecutionContext,
  name: string,
  appId: string,
): Promise<{ port: number; next(): Promise<unknown> }> {
  const argument = JSON.stringify({ name, appId, folder: installed.folder, ...EVENTS })
  const child: ChildProcess = spawn(process.execPath, ['events.mjs', argument], {
    cwd: installed.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill())
  if (child.stdout === null) throw new TypeError('the server says nothing')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const read = async () => JSON.parse(String((await lines.next()).value))
  const { port } = await read()
  return { port, next: async () => (await read()).message }
}

/** Throw-away: of WeChat's hosts, signed by itself. */
function makeCertificate(folder: string): void {
  const names = 'subjectAltName=DNS:api.weixin.qq.com,DNS:qyapi.weixin.qq.com'
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']
  const subject = ['-subj', '/CN=weapp-simulator', '-addext', names]
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]
  execFileSync('openssl', ['req', '-x509', ...curve, '-nodes', '-days', '1', ...subject, ...files], {
    stdio: 'ignore',
  })
}
