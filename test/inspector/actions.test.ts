import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { Context, Middleware } from 'koa'
import { codeCarrier, cookieCarrier, headerCarrier, redisStore, requireWxUser } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { act, type Inspected, type Listener, listen, startInspected } from '../support/inspected.js'
import { useRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { codeLoginHeaders, loginHeaders, namedPhone } from '../support/wechat.js'

const redis = useRedis(test)
const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

test('inspector(): a replay goes through the app, as it was, with another credential, or with tampered rawData', async (t) => {
  const { url, wechat } = await startInspected(t)
  const page = await listen(t, url)
  const headers = { ...(await loginHeaders(namedPhone(wechat, '小明'))), 'X-Own': 'kept' }
  await fetch(`${url}/a`, { headers, method: 'POST', body: 'text' })
  const { id } = await page.request('/a')

  for (const [change, status, reason] of [
    ['none', 200, undefined],
    ['credential', 401, 'ERR_SESSION_KEY_EXCHANGE_FAILED'],
    ['rawData', 401, 'ERR_UNTRUSTED_RAW_DATA'],
  ] as const) {
    t.is((await act(url, 'replay', { id, change })).status, 200)
    const find = () =>
      page.requests().find(({ replayOf, response }) => replayOf?.change === change && response)
    await until(() => find() !== undefined)
    const entry = find()
    t.is(entry?.response?.status, status, change)
    t.is(entry?.steps.flatMap((step) => (step.kind === 'refusal' ? step.reason : []))[0], reason)
    t.is(entry?.body?.text, 'text')
    t.true(entry?.headers.some(({ name, value }) => name.toLowerCase() === 'x-own' && value === 'kept'))
    t.false(JSON.stringify(entry).includes('weapp-inspector-replay'))
  }
  t.is(wechat.exchanges, 2)
})

test('inspector(): users are listed with their sessions, which can be ended one by one or all at once', async (t) => {
  const { url, wechat } = await startInspected(t, {
    session: { store: redisStore({ url: redis().url }) },
    handlers: [
      (ctx: Context) => {
        if (ctx.$wxSession) ctx.$wxSession.data = { cart: [1, 2] } as never
        ctx.body = 'ok'
      },
    ],
  })
  const phone = namedPhone(wechat, '小红')
  const sessions = []
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(url, { headers: await loginHeaders(phone) })
    sessions.push(answer.headers.get('x-wx-session') ?? '')
  }
  const use = async (session = '') =>
    (await fetch(`${url}/use`, { headers: { 'X-WX-Session': session } })).status
  const usersNow = async () =>
    (await act(url, 'users')).body.users as { openId: string; sessions: { alias: string; data: string }[] }[]

  const [user] = await usersNow()
  t.like(user, { openId: phone.user.openId, nickName: '小红' })
  t.is(user?.sessions.length, 3)
  t.regex(user?.sessions[0]?.data ?? '', /"cart"/)
  for (const session of sessions) t.is(await use(session), 200)

  const openId = phone.user.openId
  t.is((await act(url, 'end', { openId, session: user?.sessions[0]?.alias })).status, 200)
  t.is((await usersNow())[0]?.sessions.length, 2)
  const statuses = await Promise.all(sessions.map(use))
  t.deepEqual([...statuses].sort(), [200, 200, 401])

  t.is((await act(url, 'revoke', { openId })).status, 200)
  t.deepEqual(await Promise.all(sessions.map(use)), [401, 401, 401])
  t.deepEqual((await usersNow())[0]?.sessions, [])
})

test('inspector(): while the store fails, or WeChat, on purpose, requests get what they would, and then all is well', async (t) => {
  const { url, wechat } = await startInspected(t, {
    session: { store: redisStore({ url: redis().url, cache: true }) },
  })
  const page = await listen(t, url)
  const answer = await fetch(url, { headers: await codeLoginHeaders(wechat.phone()) })
  const known = { 'X-WX-Session': answer.headers.get('x-wx-session') ?? '' }
  const status = async (headers: Record<string, string>) => (await fetch(`${url}/x`, { headers })).status
  // From the third on, it is in memory.
  for (let i = 0; i < 3; i++) t.is(await status(known), 200)

  await act(url, 'faults', { store: 'fails', wechat: 'none' })
  t.is(await status(known), 503)
  t.is((await act(url, 'users')).status, 200)

  await act(url, 'faults', { store: 'none', wechat: 'fails' })
  t.is(await status(known), 200)
  const before = wechat.exchanges
  const headers = await codeLoginHeaders(wechat.phone())
  t.is(await status(headers), 502)
  t.is(wechat.exchanges, before)

  await act(url, 'faults', { store: 'slow', wechat: 'none' })
  const began = performance.now()
  t.is(await status(await codeLoginHeaders(wechat.phone())), 200)
  t.true(performance.now() - began > 250)

  await act(url, 'faults', { store: 'none', wechat: 'none' })
  t.is(await status(known), 200)
  t.is(page.events().filter(({ event }) => event === 'faults').length, 4)
  t.deepEqual(page.requests().find(({ response }) => response?.status === 503)?.faults, {
    store: 'fails',
    wechat: 'none',
  })
})

test('inspector(): a request is copied for a shell, which sends the same', async (t) => {
  const { url, wechat } = await startInspected(t)
  const page = await listen(t, url)
  const headers = { ...(await loginHeaders(namedPhone(wechat, '小明'))), 'X-Quote': `it's "$(id)" \\` }
  await fetch(`${url}/a?b=1&c=%20`, { headers, method: 'PUT', body: `{"it's":"$HOME"}` })
  const { id } = await page.request('/a?b=1&c=%20')
  const { text } = (await act(url, 'curl', { id })).body

  await run('sh', ['-c', `${text} --silent --fail`])
  await until(() => page.requests().filter(({ path }) => path.startsWith('/a')).length === 2)
  const sent = page.requests().filter(({ path, response }) => path.startsWith('/a') && response)
  const [first, again] = sent.map(({ method, path, body, headers }) => ({
    ...{ method, path, body },
    headers: headers.filter(({ name }) => /^x-/i.test(name)).map(({ name, value }) => `${name}: ${value}`),
  }))
  t.deepEqual(again, first)
})

const KEYS = 'k'.repeat(32)
const members: Middleware = async (ctx, next) => {
  if (ctx.path === '/members') return requireWxUser()(ctx as never, next)
  await next()
}
const pages: Middleware = async (ctx) => {
  if (ctx.path === '/teapot') ctx.status = 418
  if (ctx.path === '/rotate') await (ctx as Context).$wxSession?.rotate()
  if (ctx.path === '/leave') await (ctx as Context).$wxSession?.destroy()
  ctx.body = 'ok'
}

for (const [title, carrier] of [
  ['headerCarrier()', headerCarrier({ keys: KEYS })],
  ['headerCarrier({ name })', headerCarrier({ keys: KEYS, name: 'X-App-Session' })],
  ['codeCarrier()', codeCarrier()],
  ['cookieCarrier()', cookieCarrier({ keys: KEYS, secure: false })],
  ['jwtCarrier()', jwtCarrier({ keys: KEYS })],
] as const)
  test(`inspector(): a trace is exported as a test that passes, without a secret in it (${title})`, async (t) => {
    const session = { carrier, loginPath: '/login', logoutPath: '/logout' }
    const inspected = await startInspected(t, { session, handlers: [members, pages] })
    const page = await listen(t, inspected.url)
    await visit(t, inspected, page)
    const ids = page.requests().map(({ id }) => id)
    const { body } = await act(inspected.url, 'test', { ids })
    const text = String(body.text)

    for (const secret of inspected.wechat.secrets()) t.false(text.includes(secret))
    // Where `koa-weapp-session` can be found.
    const folder = mkdtempSync(join(root, 'test/inspector/exported-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    writeFileSync(join(folder, 'trace.test.mjs'), text)
    const { stdout } = await run(process.execPath, ['--test', 'trace.test.mjs'], { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    )
    t.regex(stdout, /^# pass 1$/m, `${stdout}\n${text}`)
    t.regex(stdout, /^# fail 0$/m)
  })

/** Logins, mistakes, faults, and ends of sessions. */
async function visit(t: ExecutionContext, { url, wechat }: Inspected, page: Listener): Promise<void> {
  const [ming, hong] = [namedPhone(wechat, '小明'), namedPhone(wechat, '小红')]
  let count = 0
  const send = async (path: string, headers: Record<string, string>, init: RequestInit = {}) => {
    const response = await fetch(url + path, { ...init, headers })
    count++
    await until(() => page.requests().filter(({ response }) => response).length === count)
    return response
  }
  const credentialOf = async (response: Response, code: string): Promise<Record<string, string>> => {
    const cookie = response.headers.get('set-cookie')?.split(';')[0]
    const own = response.headers.get('x-app-session')
    const [session, token] = [response.headers.get('x-wx-session'), response.headers.get('x-wx-token')]
    if (own) return { 'X-App-Session': own }
    if (cookie) return { Cookie: cookie }
    if (token) return { Authorization: `Bearer ${token}` }
    return session ? { 'X-WX-Session': session } : { 'X-WX-Code': code }
  }

  const first = await loginHeaders(ming)
  const known = await credentialOf(await send('/', first), first['X-WX-Code'] ?? '')
  await send('/teapot', known)
  await send('/members', known)
  await send('/members', {})
  const other = await loginHeaders(hong)
  await send('/', { ...other, 'X-WX-RawData': encodeURIComponent('{"nickName":"管理员"}') })
  const second = await codeLoginHeaders(hong)
  const others = await credentialOf(await send('/', second), second['X-WX-Code'] ?? '')
  await send('/', { 'X-WX-Code': 'nobody-gave-this', 'X-WX-Login': 'code' })
  await act(url, 'faults', { store: 'fails', wechat: 'none' })
  await send('/', known)
  await act(url, 'faults', { store: 'none', wechat: 'fails' })
  await send('/', await codeLoginHeaders(ming))
  await act(url, 'faults', { store: 'none', wechat: 'none' })
  const rotated = await send('/rotate', known)
  const changed = await credentialOf(rotated, first['X-WX-Code'] ?? '')
  await send('/', changed)
  await send('/leave', changed)
  await send('/', changed)
  await send('/logout', others, { method: 'POST' })
  await send('/', others)
  t.true(count > 12)
}
