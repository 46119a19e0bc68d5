/**
 * Whatever the session headers hold: requests that start from a good one, or from nothing, and are then spoilt in
 * any number of ways, sent as bytes. What must come of each is derived anew, from what Node has read of it.
 *
 *   WEAPP_FUZZ   requests to each kind of server; default 3000
 *   WEAPP_SEED   which ones; a failure says its seed
 */
import { createHash } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import Koa from 'koa'
import type { Phone, Wechat } from '../../simulator/src/index.js'
import { encrypt, signatureOf } from '../../simulator/src/user-info.js'
import { memoryStore, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { type CountingStore, countingStore } from '../support/counting-store.js'
import { type HeaderLine, type RawClient, type RawResponse, rawClient } from '../support/raw-http.js'
import { listen } from '../support/server.js'
import { until } from '../support/until.js'
import { namedPhone, newCode, startWechat } from '../support/wechat.js'

const RUNS = Number(process.env.WEAPP_FUZZ ?? 3000)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)

/** Below this, chance decides whether each kind of outcome comes up. */
const RUNS_FOR_ALL = 1000

const OUTCOMES = [
  'nothing',
  'session',
  'login',
  'malformed ERR_BAD_REQUEST',
  'malformed ERR_UNTRUSTED_RAW_DATA',
  'refused ERR_SESSION_EXPIRED',
  'refused ERR_SESSION_KEY_EXCHANGE_FAILED',
  'refused ERR_UNTRUSTED_RAW_DATA',
  'Node 400',
  'Node 431',
]

const strays: unknown[] = []
test.before(() => {
  process.on('unhandledRejection', (reason) => strays.push(reason))
  process.on('uncaughtException', (error) => strays.push(error))
})

const SERVERS = [
  ['the session headers', {}],
  ['the session headers, with legacyStatus,', { legacyStatus: true }],
] as const

for (const [what, options] of SERVERS) {
  test.serial(
    `weappSession(): whatever ${what} hold: an answer, as the contract has it, and nothing for nothing`,
    async (t) => {
      const world = await startWorld(t, options)

      await fc.assert(
        fc.asyncProperty(anyRequest(), (request) => check(world, request)),
        { seed: SEED, numRuns: RUNS, includeErrorInReport: true },
      )

      t.log(JSON.stringify(Object.fromEntries([...world.outcomes].sort())))
      t.deepEqual(strays, [])
      t.deepEqual(world.errors, [])
      t.is(mostExchangesOfOneCode(world.wechat), 1)
      t.is((await world.client.send(await goodLogin(world))).status, 200)
      if (RUNS >= RUNS_FOR_ALL) {
        for (const outcome of OUTCOMES) t.true(world.outcomes.has(outcome), outcome)
      }
    },
  )
}

// The requests

type Name = (typeof NAMES)[number]

const NAMES = [
  'X-WX-Code',
  'X-WX-RawData',
  'X-WX-Signature',
  'X-WX-Encrypted-Data',
  'X-WX-IV',
  'X-WX-Login',
  'X-WX-Session',
  'X-WX-AppId',
  'Authorization',
  'Cookie',
] as const

/** A request as a plan: codes and signatures are made when it is sent. */
interface FuzzedRequest {
  /** What it was before it was spoilt. */
  base: 'nothing' | 'login' | 'encrypted login' | 'code login' | 'session' | 'repeated login' | 'spent code'
  user: number
  /** Whose key signs and encrypts: mostly the user's own. */
  signer: number
  /** What is signed as rawData; the user's own profile when undefined. */
  rawData: string | undefined
  encoding: 'component' | 'every byte' | 'bytes as they are'
  edits: Edit[]
}

type Edit =
  | { edit: 'drop'; name: Name }
  | { edit: 'set'; name: Name; value: string }
  | { edit: 'add'; name: Name; value: string }
  | { edit: 'repeat'; name: Name }
  | { edit: 'cut'; name: Name; at: number }
  | { edit: 'splice'; name: Name; at: number; value: string }
  | { edit: 'respell'; name: Name; as: Spelling }

type Spelling = 'lower' | 'upper' | 'mixed' | 'underscores' | 'space before the colon'

/** Stands for the marker of the request, in values that are sent as one byte per character. */
const MARKER = '\u2603'

function anyRequest(): fc.Arbitrary<FuzzedRequest> {
  const user = fc.nat({ max: USERS - 1 })
  return fc
    .record({
      base: fc.constantFrom<FuzzedRequest['base']>(
        'nothing',
        'login',
        'encrypted login',
        'code login',
        'session',
        'repeated login',
        'spent code',
      ),
      user,
      stranger: seldom(user),
      rawData: fc.option(anyRawData(), { freq: 3, nil: undefined }),
      encoding: fc.constantFrom<FuzzedRequest['encoding']>('component', 'every byte', 'bytes as they are'),
      edits: fc.oneof(
        { weight: 1, arbitrary: fc.constant<Edit[]>([]) },
        { weight: 4, arbitrary: fc.array(anyEdit(), { minLength: 1, maxLength: 2 }) },
        { weight: 1, arbitrary: fc.array(anyEdit(), { minLength: 3, maxLength: 8 }) },
      ),
    })
    .map(({ stranger, rawData, ...rest }) => ({
      ...rest,
      signer: stranger ?? rest.user,
      rawData,
    }))
}

/** Once in four times, where `fc.option` leaves out once. */
function seldom<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
}

function anyEdit(): fc.Arbitrary<Edit> {
  const name = fc.constantFrom(...NAMES)
  const value = anyValue()
  // Where in a value, in thousandths of its length.
  const at = fc.nat({ max: 1000 })
  return fc.oneof(
    fc.record({ edit: fc.constant('drop' as const), name }),
    { weight: 3, arbitrary: fc.record({ edit: fc.constant('set' as const), name, value }) },
    fc.record({ edit: fc.constant('add' as const), name, value }),
    fc.record({ edit: fc.constant('repeat' as const), name }),
    fc.record({ edit: fc.constant('cut' as const), name, at }),
    { weight: 2, arbitrary: fc.record({ edit: fc.constant('splice' as const), name, at, value }) },
    fc.record({
      edit: fc.constant('respell' as const),
      name,
      as: fc.constantFrom<Spelling>('lower', 'upper', 'mixed', 'underscores', 'space before the colon'),
    }),
  )
}

function anyValue(): fc.Arbitrary<string> {
  const characters = (unit: fc.Arbitrary<number>) =>
    fc.array(unit, { maxLength: 60 }).map((codes) => String.fromCharCode(...codes))
  const plain = fc.oneof(
    { weight: 2, arbitrary: characters(fc.integer({ min: 0x21, max: 0x7e })) },
    { weight: 2, arbitrary: characters(fc.constantFrom(9, 0x20, 0x2c, 0x41, 0x7e, 0x80, 0xc3, 0xa9, 0xff)) },
    { weight: 1, arbitrary: characters(fc.integer({ min: 0, max: 0xff })) },
    { weight: 4, arbitrary: fc.constantFrom(...ODDITIES) },
    { weight: 2, arbitrary: lengthy() },
    { weight: 2, arbitrary: anyRawData().map((text) => encodeAs('component', text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 70 }).map((bytes) => base64(bytes)) },
  )
  const marked = fc.tuple(plain, fc.nat({ max: 1000 })).map(([text, at]) => insert(text, at, MARKER))
  return fc.oneof({ weight: 1, arbitrary: plain }, { weight: 2, arbitrary: marked })
}

/** The lengths at which something changes: of a credential, of rawData, of the whole head in Node. */
function lengthy(): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom('a', '7', 'é', '%', '{', '%7B', '='),
      fc.constantFrom(1, 255, 256, 257, 8191, 8192, 8193, 15_000, 16_384, 17_000, 40_000),
    )
    .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length))
}

const ODDITIES = [
  '',
  'code',
  'CODE',
  'code,code',
  'one, two',
  '=',
  'undefined',
  'null',
  '[object Object]',
  '%',
  '%0',
  '%zz',
  '%00',
  '%0d%0aX-WX-Code:%20x',
  '%E5%B0',
  '%ED%A0%80',
  '%ED%A0%BD%ED%B8%80',
  '%C0%80',
  '%E0%80%AF',
  '%F4%90%80%80',
  '%FE%FF',
  '%EF%BB%BF%7B%7D',
  '\xef\xbb\xbf{}',
  '{}',
  '+',
  ' x ',
  '\tx\t',
  'a\tb',
  'a\x00b',
  'a\x01b',
  'a\x1bb',
  'a\x7fb',
  'a\x85b',
  'a\xa0b',
  'a\rb',
  'a\nb',
  'a\r\n b',
  'a\r\n\tb',
  'a\r\nX-WX-Code: b',
  'a\r\n\r\n',
  'a\r\n\r\nGET /split HTTP/1.0\r\nHost: localhost',
  'Bearer x',
  'Bearer eyJhbGciOiJub25lIn0.eyJvcGVuSWQiOiJvLWV2ZSJ9.',
  'X-WX-Code=x; sid=y',
  '0'.repeat(40),
  'G'.repeat(40),
  `${'A'.repeat(22)}==`,
  'A'.repeat(64),
  'A'.repeat(63),
  '-_'.repeat(32),
  '__proto__',
  'constructor',
  'toString',
]

function anyRawData(): fc.Arbitrary<string> {
  const key = fc.oneof(fc.constantFrom(...FIELDS), fc.string({ maxLength: 8 }))
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(...TEXTS, ...NUMBERS))
  // Printed by hand, so that keys can be doubled, and `__proto__` is a key like others.
  const object = fc
    .array(fc.tuple(key, value), { maxLength: 10 })
    .map((pairs) => `{${pairs.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`)
  return fc.oneof(
    { weight: 4, arbitrary: object },
    { weight: 1, arbitrary: fc.json() },
    { weight: 2, arbitrary: fc.constantFrom(...SHAPES) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  )
}

const FIELDS = [
  'nickName',
  'avatarUrl',
  'gender',
  'language',
  'city',
  'province',
  'country',
  'openId',
  'openid',
  'unionId',
  'appId',
  'isAdmin',
  'watermark',
  'toJSON',
  '__proto__',
  'constructor',
  'prototype',
]

const TEXTS = [MARKER, '微信用户', '小明😀', '\ud83d', '\u0000', '', 'o-victim', 'A'.repeat(2000)]
const NUMBERS = [0, -0, 1e308, 2 ** 53, -1.5]

const SHAPES = [
  'null',
  'true',
  '0',
  '1e999',
  '""',
  `"${MARKER}"`,
  '[]',
  '[{}]',
  '{}',
  ' {} ',
  '\ufeff{}',
  '{}{}',
  '{"a":1,}',
  "{'a':1}",
  '{"openId":"o-eve","unionId":"u-eve"}',
  '{"openId":"o-eve","openId":"o-victim","nickName":"one","nickName":"two"}',
  '{"__proto__":{"isAdmin":true,"openId":"o-eve"}}',
  '{"constructor":{"prototype":{"isAdmin":true}}}',
  '{"__proto__":null,"nickName":{"toString":1}}',
  '{"nickName":"\\ud83d","city":"\\u0000"}',
  `{"nickName":"${'A'.repeat(7000)}"}`,
  '['.repeat(8000),
  `${'['.repeat(4000)}${']'.repeat(4000)}`,
  `${'{"a":'.repeat(1200)}1${'}'.repeat(1200)}`,
  `{"nickName":${'['.repeat(3000)}${']'.repeat(3000)}}`,
]

/** Puts a text into another, at so many thousandths of its length. */
function insert(text: string, at: number, inserted: string): string {
  const index = Math.round((text.length * at) / 1000)
  return text.slice(0, index) + inserted + text.slice(index)
}

function encodeAs(encoding: FuzzedRequest['encoding'], text: string): string {
  const bytes = (part: string) => Buffer.from(part, 'utf8').toString('latin1')
  const percent = (part: string) =>
    [...Buffer.from(part, 'utf8')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  // The marker has to survive, to be replaced: it is what an encoded one would look like.
  const parts = wellFormed(text).split(MARKER)
  const encode = { component: encodeURIComponent, 'every byte': percent, 'bytes as they are': bytes }[
    encoding
  ]
  return parts.map(encode).join(MARKER)
}

/** Half an emoji cannot be encoded: UTF-8 has none. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8')
}

// The world that they are sent to

const USERS = 12

/** Of encrypted data, which is good for ten minutes: Unix seconds. */
const NOW = Math.floor(Date.now() / 1000)

/** ms */
const YEAR = 365 * 24 * 3600_000

interface User {
  phone: Phone
  openId: string
  unionId: string | undefined
  sessionKey: string
  rawData: string
}

interface World {
  wechat: Wechat
  options: Pick<WeappSessionOptions, 'legacyStatus'>
  users: User[]
  client: RawClient
  store: CountingStore
  /** What Node read of each request, by its path. */
  heard: Map<string, readonly string[]>
  /** Requests that the server has not done with. */
  underway(): number
  /** What was reported to `app.on('error')`. */
  errors: Error[]
  /** Whose each code is that WeChat has issued. */
  issued: Map<string, User>
  /** Codes whose login has succeeded, and its headers. */
  live: Map<string, HeaderLine[]>
  /** Codes that a login has used up for nothing. */
  spent: Set<string>
  /** Whether the last request has had no answer. */
  hangs: boolean
  /** How often what came out. */
  outcomes: Map<string, number>
  requests: number
}

async function startWorld(t: ExecutionContext, options: World['options']): Promise<World> {
  // Keys that stay let this test sign whatever it likes, as WeChat would.
  const wechat = startWechat(t, { unionIds: true, sessionKeyMinAge: YEAR, sessionKeyMaxAge: 2 * YEAR })
  const store = countingStore(memoryStore())
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({
    appId,
    appSecret,
    store,
    maxSessionsPerUser: 1000,
    wechat: { fetch, timeout: 30_000 },
    ...options,
  })
  const heard: World['heard'] = new Map()
  const errors: Error[] = []
  let underway = 0

  const app = new Koa()
  app.silent = true
  // Koa also reports what Node could not parse behind the end of a request.
  app.on('error', (error: NodeJS.ErrnoException) => error.code?.startsWith('HPE_') || errors.push(error))
  app.use(async (ctx, next) => {
    heard.set(ctx.path, ctx.req.rawHeaders)
    underway++
    await next().finally(() => underway--)
  })
  app.use(session)
  app.use((ctx) => {
    ctx.body = { user: ctx.$wxUserInfo, hasSession: ctx.$wxSession !== null }
  })
  const client = rawClient(t, await listen(t, app))

  const users: User[] = []
  for (let n = 0; n < USERS; n++) users.push(await newUser(wechat, `user ${n}`))
  return {
    wechat,
    options,
    users,
    client,
    store,
    heard,
    underway: () => underway,
    errors,
    issued: new Map(),
    live: new Map(),
    spent: new Set(),
    hangs: false,
    outcomes: new Map(),
    requests: 0,
  }
}

async function newUser(wechat: Wechat, name: string): Promise<User> {
  const phone = namedPhone(wechat, name)
  await newCode(phone)
  const { rawData, signature } = await new Promise<{ rawData: string; signature: string }>(
    (resolve, reject) => phone.wx.getUserInfo({ success: resolve, fail: reject }),
  )
  const sessionKey = wechat.secrets().find((secret) => signatureOf(rawData, secret) === signature) ?? ''
  return { phone, rawData, sessionKey, openId: phone.user.openId, unionId: wechat.user(name).unionId }
}

async function issue(world: World, user: User): Promise<string> {
  // WeChat takes 100 codes of a user in a minute.
  world.wechat.clock.advance(1000)
  const code = await newCode(user.phone)
  world.issued.set(code, user)
  return code
}

async function goodLogin(world: World): Promise<HeaderLine[]> {
  return [
    ['X-WX-Code', await issue(world, userOf(world, 0))],
    ['X-WX-Login', 'code'],
  ]
}

function userOf({ users }: World, index: number): User {
  const user = users[index % users.length]
  if (!user) throw new Error('no such user')
  return user
}

/** The lines of a request as it is sent, and the text in it that nothing else has. */
async function make(world: World, request: FuzzedRequest): Promise<{ lines: HeaderLine[]; marker: string }> {
  const marker = `mark${(world.requests * 7919 + 1_000_003).toString(36)}x`
  let lines = await makeBase(world, request)
  for (const edit of request.edits) lines = apply(edit, lines)
  return { marker, lines: lines.map(([name, value]) => [name, value.replaceAll(MARKER, marker)]) }
}

async function makeBase(world: World, request: FuzzedRequest): Promise<HeaderLine[]> {
  const { base, encoding } = request
  const user = userOf(world, request.user)
  const { sessionKey } = userOf(world, request.signer)
  const last = [...world.live].at(-1 - request.user)
  switch (base) {
    case 'nothing':
      return []
    case 'code login':
      return [
        ['X-WX-Code', await issue(world, user)],
        ['X-WX-Login', 'code'],
      ]
    case 'session':
      return [['X-WX-Code', last?.[0] ?? 'none-yet']]
    case 'repeated login':
      return last?.[1] ?? []
    case 'spent code':
      return [
        ['X-WX-Code', [...world.spent].at(-1 - request.user) ?? 'none-yet'],
        ['X-WX-Login', 'code'],
      ]
    case 'login':
    case 'encrypted login': {
      // A marker in signed text would be signed as it stands here: it is put in beforehand.
      const rawData = wellFormed((request.rawData ?? user.rawData).replaceAll(MARKER, 'marker'))
      const login: HeaderLine[] = [
        ['X-WX-Code', await issue(world, user)],
        ['X-WX-RawData', encodeAs(encoding, rawData)],
        ['X-WX-Signature', signatureOf(rawDataAsSent(rawData, encoding), sessionKey)],
      ]
      if (base === 'login') return login
      const watermark = { appid: world.wechat.appId, timestamp: NOW }
      const { encryptedData, iv } = encrypt({ openId: user.openId, nickName: 'x', watermark }, sessionKey)
      return [...login, ['X-WX-Encrypted-Data', encryptedData], ['X-WX-IV', iv]]
    }
  }
}

/** Bytes that are not encoded reach the server as latin1: that is the text which has to be signed. */
function rawDataAsSent(rawData: string, encoding: FuzzedRequest['encoding']): string {
  if (encoding !== 'bytes as they are') return rawData
  return percentDecoded(encodeAs(encoding, rawData).replace(/^[ \t]+|[ \t]+$/g, '')) ?? rawData
}

function apply(edit: Edit, lines: HeaderLine[]): HeaderLine[] {
  const index = lines.findIndex(([name]) => name.toLowerCase() === edit.name.toLowerCase())
  const [name, value] = lines[index] ?? [edit.name, '']
  const replaced = (by: HeaderLine): HeaderLine[] => (index < 0 ? [...lines, by] : lines.with(index, by))
  switch (edit.edit) {
    case 'drop':
      return lines.filter((_, i) => i !== index)
    case 'set':
      return replaced([name, edit.value])
    case 'add':
      return [...lines, [edit.name, edit.value]]
    case 'repeat':
      return [...lines, [name, value]]
    case 'cut':
      return replaced([name, value.slice(0, Math.round((value.length * edit.at) / 1000))])
    case 'splice':
      return replaced([name, insert(value, edit.at, edit.value)])
    case 'respell':
      return index < 0 ? lines : replaced([respell(name, edit.as), value])
  }
}

function respell(name: string, as: Spelling): string {
  switch (as) {
    case 'lower':
      return name.toLowerCase()
    case 'upper':
      return name.toUpperCase()
    case 'mixed':
      return [...name].map((c, i) => (i % 2 ? c.toUpperCase() : c.toLowerCase())).join('')
    case 'underscores':
      return name.replaceAll('-', '_')
    case 'space before the colon':
      return `${name} `
  }
}

// What a request is, by contract.md and by what login/read-login.ts documents of shapes

type Shape =
  | { kind: 'nothing' }
  | { kind: 'malformed'; reasons: Set<string> }
  | { kind: 'session'; code: string }
  | {
      kind: 'login'
      code: string
      rawData: string | undefined
      signature: string
      encryptedData: string | undefined
      iv: string
    }
  /** Base64 that only a lenient decoder takes: neither of the two says whether it is malformed. */
  | { kind: 'undecided'; code: string }

function shapeOf(rawHeaders: readonly string[]): Shape {
  const values = new Map<string, string[]>()
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase() ?? ''
    values.set(name, [...(values.get(name) ?? []), rawHeaders[i + 1] ?? ''])
  }
  const all = (name: Name) => values.get(name.toLowerCase()) ?? []
  const one = (name: Name) => all(name)[0] ?? ''
  const says = (name: Name) => all(name).length > 1 || one(name) !== ''

  // An empty header counts as none, as some gateways send it; beside others of ours, it is no `code`.
  const isOurs = NAMES.slice(0, 7).some((name) => says(name))
  const isLogin = (isOurs && all('X-WX-Login').length > 0) || (says('X-WX-Code') && says('X-WX-RawData'))
  const code = one('X-WX-Code')
  const isCodeGood = all('X-WX-Code').length === 1 && isPrintable(code) && code.length <= 256
  if (!isLogin) {
    if (!says('X-WX-Code')) return { kind: 'nothing' }
    return isCodeGood ? { kind: 'session', code } : malformed('ERR_BAD_REQUEST')
  }

  const reasons = new Set<string>()
  const loginHeaders = NAMES.slice(0, 6)
  if (loginHeaders.some((name) => all(name).length > 1)) reasons.add('ERR_BAD_REQUEST')
  if (!isCodeGood) reasons.add('ERR_BAD_REQUEST')
  if (all('X-WX-Login').some((value) => value !== 'code')) reasons.add('ERR_BAD_REQUEST')

  const rawData = says('X-WX-RawData') ? percentDecoded(one('X-WX-RawData')) : undefined
  const signature = one('X-WX-Signature')
  if (says('X-WX-RawData')) {
    if (one('X-WX-RawData').length > 8192) reasons.add('ERR_BAD_REQUEST')
    if (rawData === undefined || !isJsonObject(rawData)) reasons.add('ERR_UNTRUSTED_RAW_DATA')
    if (!isHex40(signature)) reasons.add('ERR_UNTRUSTED_RAW_DATA')
  }
  const encryptedData = says('X-WX-Encrypted-Data') ? one('X-WX-Encrypted-Data') : undefined
  const iv = one('X-WX-IV')
  const ciphertext =
    says('X-WX-Encrypted-Data') || says('X-WX-IV') ? isEncrypted(encryptedData ?? '', iv) : true
  if (ciphertext === false) reasons.add('ERR_UNTRUSTED_RAW_DATA')

  if (reasons.size > 0) return { kind: 'malformed', reasons }
  if (ciphertext === undefined) return { kind: 'undecided', code }
  return { kind: 'login', code, rawData, signature, encryptedData, iv }
}

function malformed(...reasons: string[]): Shape {
  return { kind: 'malformed', reasons: new Set(reasons) }
}

/** Printable ASCII. A comma is how a gateway joins what was repeated. */
function isPrintable(text: string): boolean {
  return text !== '' && [...text].every((c) => c >= ' ' && c <= '~' && c !== ',')
}

function isHex40(text: string): boolean {
  return text.length === 40 && [...text.toLowerCase()].every((c) => '0123456789abcdef'.includes(c))
}

/** Strict UTF-8 in percent-encoding; what is not encoded stands for itself. */
function percentDecoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) =>
      utf8.decode(Buffer.from(run.replaceAll('%', ''), 'hex')),
    )
  } catch {
    return undefined
  }
}

function isJsonObject(text: string): boolean {
  try {
    return Object.prototype.toString.call(JSON.parse(text)) === '[object Object]'
  } catch {
    return false
  }
}

/** Whole blocks in base64, and an iv of one; `undefined` where only a lenient decoder finds them. */
function isEncrypted(encryptedData: string, iv: string): boolean | undefined {
  const parts = [encryptedData, iv]
  if (parts.some((part) => /[^A-Za-z0-9+/=]/.test(part) || part === '')) return false
  const [blocks = 0, one = 0] = parts.map((part) => Math.floor((part.replace(/=.*/, '').length * 6) / 8) / 16)
  const isCanonical = parts.every((part) => base64(Buffer.from(part, 'base64')) === part)
  if (isCanonical) return blocks >= 1 && Number.isInteger(blocks) && one === 1
  return blocks < 1 || !Number.isInteger(blocks) || one !== 1 ? false : undefined
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Whether a login proves what it says of its user; `undefined` for a ciphertext that was tampered with. */
function isProven(shape: Extract<Shape, { kind: 'login' }>, user: User, world: World): boolean | undefined {
  const { rawData, signature, encryptedData, iv } = shape
  const expected = createHash('sha1').update(`${rawData}${user.sessionKey}`, 'utf8').digest('hex')
  const isSigned = rawData === undefined || signature.toLowerCase() === expected
  if (!isSigned) return false
  if (encryptedData === undefined) return true
  const { openId } = user
  const watermark = { appid: world.wechat.appId, timestamp: NOW }
  const ours = encrypt({ openId, nickName: 'x', watermark }, user.sessionKey, Buffer.from(iv, 'base64'))
  return ours.encryptedData === encryptedData ? true : undefined
}

// What must come of it

const MAGIC_ID = 'F2C224D4-2BCE-4C64-AF9F-A6D872000D1A'

/** The statuses of each reason that these requests can meet. */
const STATUSES: Record<string, number[]> = {
  ERR_SESSION_EXPIRED: [401],
  ERR_UNTRUSTED_RAW_DATA: [400, 401],
  ERR_SESSION_KEY_EXCHANGE_FAILED: [401],
  ERR_BAD_REQUEST: [400],
}

const PROFILE_FIELDS = ['nickName', 'avatarUrl', 'gender', 'language', 'city', 'province', 'country']

async function check(world: World, request: FuzzedRequest): Promise<void> {
  // Who has not answered once is not asked again: each smaller example would cost as much patience.
  if (world.hangs) return
  const { lines, marker } = await make(world, request)
  const path = `/${++world.requests}`
  const before = { calls: world.store.calls(), exchanges: world.wechat.exchanges }

  world.hangs = true
  const response = await world.client.send(lines, path)
  await until(() => world.underway() === 0)
  world.hangs = false

  const heard = world.heard.get(path)
  world.heard.clear()
  const cost = {
    calls: increase(before.calls, world.store.calls()),
    exchanges: world.wechat.exchanges - before.exchanges,
  }
  const outcome = isNodes(response)
    ? checkNodes(response, lines)
    : checkOurs(world, response, shapeOf(must(heard, 'an answer of nobody')), cost)
  if (heard && outcome !== 'session' && outcome !== 'login') checkEcho(response, lines, marker)
  checkGlobals()
  world.outcomes.set(outcome, (world.outcomes.get(outcome) ?? 0) + 1)
}

/** Node refuses by itself what is no HTTP, or too long a head. */
function isNodes({ status, headers }: RawResponse): boolean {
  return (status === 400 || status === 431) && !headers.has('content-type')
}

function checkNodes({ status, body }: RawResponse, lines: HeaderLine[]): string {
  const length = lines.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
  const isHttp = lines.every(
    ([name, value]) => /^[A-Za-z0-9_-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
  )
  that(body === '', 'a refusal of Node has a body')
  that(!isHttp || length > 15_000, `Node refused, with ${status}, what is HTTP`)
  return `Node ${status}`
}

interface Cost {
  calls: Record<string, number>
  exchanges: number
}

function checkOurs(world: World, response: RawResponse, shape: Shape, cost: Cost): string {
  that(response.status < 500, `status ${response.status}`)
  const answer = JSON.parse(response.body) as Record<string, unknown>
  const reason = response.headers.get('x-wx-session-error')
  if (reason !== undefined) checkRefusal(response, answer, reason, world.options)
  else that(response.status === 200 && 'user' in answer, `status ${response.status} without a reason`)
  const free = Object.keys(cost.calls).length === 0 && cost.exchanges === 0
  const status = world.options.legacyStatus && reason ? undefined : response.status

  switch (shape.kind) {
    case 'nothing':
      that(
        reason === undefined && answer.user === null,
        'a request without a credential is not let through as such',
      )
      that(free, `a request without a credential has cost ${show(cost)}`)
      return 'nothing'
    case 'malformed':
      that(reason !== undefined && shape.reasons.has(reason), `${reason} instead of ${[...shape.reasons]}`)
      that(status === undefined || status === 400, `a malformed request got ${status}`)
      that(free, `a malformed request has cost ${show(cost)}`)
      return `malformed ${reason}`
    case 'session': {
      that(show(cost) === '{"calls":{"read":1},"exchanges":0}', `a session has cost ${show(cost)}`)
      const user = world.live.has(shape.code) ? world.issued.get(shape.code) : undefined
      if (!user) return refusedWith('ERR_SESSION_EXPIRED', 401)
      checkUser(answer, user, world.wechat.appId)
      return 'session'
    }
    case 'login':
      return checkLogin(shape)
    case 'undecided': {
      const user = world.issued.get(shape.code)
      if (reason !== undefined) return `undecided ${reason}`
      checkUser(answer, must(user, 'a user of a code that WeChat has not issued'), world.wechat.appId)
      return 'login'
    }
  }

  function checkLogin(login: Extract<Shape, { kind: 'login' }>): string {
    const { code } = login
    const user = world.issued.get(code)
    const isFirst = !world.live.has(code) && !world.spent.has(code)
    that(cost.exchanges <= (isFirst ? 1 : 0), `a login has cost ${cost.exchanges} exchanges`)
    const isFailure = !user || world.spent.has(code)
    if (isFailure) {
      world.spent.add(code)
      return refusedWith('ERR_SESSION_KEY_EXCHANGE_FAILED', 401)
    }

    const proven = isProven(login, user, world)
    if (proven ?? reason === undefined) {
      checkUser(answer, user, world.wechat.appId)
      if (isFirst) world.live.set(code, linesOf(login))
      return 'login'
    }
    if (isFirst) world.spent.add(code)
    return refusedWith('ERR_UNTRUSTED_RAW_DATA', 401)
  }

  function refusedWith(expected: string, expectedStatus: number): string {
    that(reason === expected, `${reason ?? 'an answer'} instead of ${expected}`)
    that(status === undefined || status === expectedStatus, `${reason} with status ${status}`)
    return `refused ${reason}`
  }
}

function linesOf({
  code,
  rawData,
  signature,
  encryptedData,
  iv,
}: Extract<Shape, { kind: 'login' }>): HeaderLine[] {
  return [
    ['X-WX-Code', code],
    ...(rawData === undefined
      ? [['X-WX-Login', 'code'] as const]
      : [['X-WX-RawData', encodeAs('component', rawData)] as const, ['X-WX-Signature', signature] as const]),
    ...(encryptedData === undefined
      ? []
      : [['X-WX-Encrypted-Data', encryptedData] as const, ['X-WX-IV', iv] as const]),
  ]
}

/** The ids are WeChat's, and beside them there is nothing but a profile. */
function checkUser(
  { user, hasSession }: Record<string, unknown>,
  { openId, unionId }: User,
  appId: string,
): void {
  const shown = { ...(user as object | null) } as Record<string, unknown>
  that(hasSession === true, 'a user without a session')
  that(shown.openId === openId && shown.unionId === unionId, `another user than WeChat's: ${show(shown)}`)
  that(shown.appId === appId, `a user of another mini program: ${show(shown)}`)
  for (const [name, value] of Object.entries(shown)) {
    const type = name === 'gender' ? 'number' : 'string'
    const isProfile =
      PROFILE_FIELDS.includes(name) && (typeof value === type || (name === 'gender' && value === null))
    that(isProfile || ['appId', 'openId', 'unionId'].includes(name), `a user with ${name}: ${show(value)}`)
  }
}

function checkRefusal(
  { status, headers, body }: RawResponse,
  answer: Record<string, unknown>,
  reason: string,
  { legacyStatus }: World['options'],
): void {
  const error = { ...(answer.error as object | undefined) } as Record<string, unknown>
  const isShaped =
    show(Object.keys(answer)) === show([MAGIC_ID, 'reason', 'error']) &&
    answer[MAGIC_ID] === 1 &&
    answer.reason === reason &&
    error.name === 'WeappSessionError' &&
    typeof error.message === 'string' &&
    error.message !== ''
  that(isShaped, `no refusal as the contract has it: ${body}`)
  const { name: _, message: __, ...more } = error
  const isDetailed =
    reason === 'ERR_SESSION_KEY_EXCHANGE_FAILED' && /^\{"detail":\{"errcode":\d+\}\}$/.test(show(more))
  that(isDetailed || show(more) === '{}', `a refusal says ${show(more)}`)
  that(headers.get('cache-control') === 'no-store', 'a refusal may be cached')
  that(/^application\/json\b/.test(headers.get('content-type') ?? ''), 'a refusal is no JSON')
  const statuses = legacyStatus ? [200] : STATUSES[reason]
  that(statuses?.includes(status), `${reason} with status ${status}`)
}

/** Nothing of what was sent comes back: not the marker, nor any eight letters or digits of a session header. */
function checkEcho({ text }: RawResponse, lines: HeaderLine[], marker: string): void {
  that(!text.includes(marker), `the marker comes back in ${text}`)
  // Of punctuation, one JSON text is much like another.
  const isWord = /^[A-Za-z0-9]+$/
  const sent = lines.map(([, value]) => value).join('\n')
  for (let i = 0; i + ECHO <= text.length; i++) {
    const part = text.slice(i, i + ECHO)
    that(!isWord.test(part) || !sent.includes(part), `${show(part)} comes back in ${text}`)
  }
}

/** Characters: enough not to meet by chance. */
const ECHO = 8

const OBJECT_KEYS = show(Reflect.ownKeys(Object.prototype).map(String))

function checkGlobals(): void {
  that(show(Reflect.ownKeys(Object.prototype).map(String)) === OBJECT_KEYS, 'Object.prototype is polluted')
}

function mostExchangesOfOneCode({ calls }: Wechat): number {
  const counts = new Map<string | undefined, number>()
  for (const { code } of calls) counts.set(code, (counts.get(code) ?? 0) + 1)
  return Math.max(...counts.values())
}

function increase(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  const changed = Object.entries(after).filter(([name, count]) => count !== (before[name] ?? 0))
  return Object.fromEntries(changed.map(([name, count]) => [name, count - (before[name] ?? 0)]))
}

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what)
  return value
}

function that(holds: boolean | undefined, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

function show(value: unknown): string {
  return JSON.stringify(value)
}
