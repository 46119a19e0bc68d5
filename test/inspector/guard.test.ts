import { execFileSync } from 'node:child_process'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { inspector } from '../../src/inspector/index.js'
import { act, listen, startInspected } from '../support/inspected.js'
import { until } from '../support/until.js'
import { loginHeaders, namedPhone } from '../support/wechat.js'

test('inspector(): it does not start with NODE_ENV=production', (t) => {
  const code = `
    import { inspector } from './src/inspector/index.ts'
    try { inspector() } catch (error) { console.log(error.code, error.message) }`
  const said = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', code], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, NODE_ENV: 'production' },
    encoding: 'utf8',
  })
  t.regex(said, /^ERR_INSPECTOR_IN_PRODUCTION koa-weapp-session: inspector\(\) .* does not run/)
})

test('inspector(): options that make no sense are said at start-up', (t) => {
  for (const [options, message] of [
    [{ path: 'weapp' }, /inspector\(\{ path \}\) must be a path such as/],
    [{ path: '/weapp/' }, /inspector\(\{ path \}\)/],
    [{ limit: 0 }, /inspector\(\{ limit \}\) must be a whole number from 1 to 5000: it is 0/],
    [{ unmasked: 'false' }, /inspector\(\{ unmasked \}\) must be true or false/],
    [{ limits: 1 }, /inspector has no option 'limits': did you mean 'limit'/],
  ] as const)
    t.throws(() => inspector(options as never), { instanceOf: TypeError, message })
})

test('inspector(): pages of other sites, other names, proxies and other machines get nothing', async (t) => {
  const { url } = await startInspected(t)
  const { host, port } = new URL(url)
  const ours = { host }
  const events = '/__weapp/events'

  t.is(await statusOf(url, events, ours), 200)
  t.is(await statusOf(url, events, { host: `localhost:${port}` }), 200)
  t.is(await statusOf(url, events, { ...ours, origin: url, 'sec-fetch-site': 'same-origin' }), 200)

  for (const headers of [
    { host: 'evil.example' },
    { host: `127.0.0.1.evil.example:${port}` },
    { host: `evil.example:${port}` },
    { host: `user@${host}` },
    { ...ours, origin: 'https://evil.example' },
    { ...ours, origin: 'null' },
    // Another port of this machine is another origin.
    { ...ours, origin: 'http://127.0.0.1:1' },
    { ...ours, origin: `https://${host}` },
    { ...ours, 'sec-fetch-site': 'cross-site' },
    { ...ours, 'sec-fetch-site': 'same-site' },
    { ...ours, 'x-forwarded-for': '127.0.0.1' },
    { ...ours, forwarded: 'for=127.0.0.1' },
    { ...ours, via: '1.1 proxy' },
    { ...ours, 'x-real-ip': '127.0.0.1' },
  ] as Record<string, string>[]) {
    const attack = JSON.stringify(headers)
    t.is(await statusOf(url, events, headers), 403, attack)
    t.is(await statusOf(url, '/__weapp', headers), 403, attack)
    const action = { ...headers, 'content-type': 'application/json' }
    t.is(await statusOf(url, '/__weapp/faults', action, '{"store":"fails","wechat":"fails"}'), 403, attack)
  }
  // What passes requests on, and says nothing of it, speaks HTTP/1.0: nginx by default.
  t.regex(await raw(Number(port), `GET ${events} HTTP/1.0\r\nHost: ${host}\r\n\r\n`), / 403 /)
})

test('inspector(): what is not loopback is refused, and recorded all the same', async (t) => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address
  if (!address) return t.pass('this machine has no other address')
  const { app, url } = await startInspected(t)
  const other = app.listen(0, address)
  t.teardown(() => other.close())
  await until(() => other.listening)
  const { port } = other.address() as { port: number }

  t.is(await statusOf(`http://${address}:${port}`, '/__weapp/events', { host: `127.0.0.1:${port}` }), 403)
  t.is((await fetch(`http://${address}:${port}/from-a-phone`)).status, 200)
  const page = await listen(t, url)
  t.is((await page.request('/from-a-phone')).from, address)
})

test('inspector(): forms and scripts that need not ask first change nothing', async (t) => {
  const { url } = await startInspected(t)
  const { host } = new URL(url)
  const page = await listen(t, url)
  const input = '{"store":"fails","wechat":"fails"}'
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/json'])
    t.is(await statusOf(url, '/__weapp/faults', { host, 'content-type': type }, input), 403, type)
  t.is(await statusOf(url, '/__weapp/faults', { host }), 403)
  t.deepEqual(page.situation()?.faults, { store: 'none', wechat: 'none' })

  // What is no input is refused with a code.
  for (const [name, body] of [
    ['faults', '{"store":"explodes","wechat":"none"}'],
    ['faults', 'no JSON'],
    ['revoke', '{"openId":{}}'],
    ['replay', '{"id":"__proto__"}'],
    ['end', '{"openId":"o","session":"nobody"}'],
    ['test', '{"ids":[99]}'],
    ['constructor', '{}'],
  ] as const) {
    const response = await fetch(`${url}/__weapp/${name}`, {
      ...{ method: 'POST', body, headers: { 'Content-Type': 'application/json' } },
    })
    t.true([400, 404].includes(response.status), `${name} ${response.status}`)
  }
})

test('inspector(): secrets are cut in all that a page is told', async (t) => {
  const { url, wechat } = await startInspected(t, { session: { loginPath: '/login' } })
  const page = await listen(t, url)
  const headers = await loginHeaders(namedPhone(wechat, '小明'))
  const answer = await fetch(`${url}/a`, { headers })
  const session = answer.headers.get('x-wx-session') ?? ''
  await fetch(`${url}/b?code=${headers['X-WX-Code']}&x=1`, {
    headers: {
      'X-WX-Session': session,
      Cookie: `theirs=${'c'.repeat(30)}`,
      Authorization: 'Basic dXNlcjpwYXNz',
    },
  })
  await act(url, 'users')
  await until(() => page.requests().some(({ path, response }) => path.startsWith('/b') && response))
  const users = JSON.stringify((await act(url, 'users')).body)

  const secrets = [...wechat.secrets(), headers['X-WX-Signature'], session, 'c'.repeat(30), 'dXNlcjpwYXNz']
  for (const secret of secrets) if (secret) t.false((page.text() + users).includes(secret), secret)
  t.regex(page.text(), /"\/b\?code=[\w-]{6}…\(\d+\)&x=1"/)
})

test('inspector({ unmasked }): credentials are shown, a session_key never', async (t) => {
  const { url, wechat } = await startInspected(t, { inspector: { unmasked: true } })
  const page = await listen(t, url)
  const headers = await loginHeaders(namedPhone(wechat, '小明'))
  const answer = await fetch(`${url}/a`, { headers })
  await page.request('/a')
  const users = JSON.stringify((await act(url, 'users')).body)

  t.true(page.text().includes(answer.headers.get('x-wx-session') ?? ''))
  t.true(page.text().includes(headers['X-WX-Code'] ?? ''))
  const keys = wechat
    .secrets()
    .filter((secret) => secret === wechat.appSecret || /^[\w+/]{22}==$/.test(secret))
  t.true(keys.length > 0)
  for (const key of keys) t.false((page.text() + users).includes(key))
})

test('inspector({ limit }): the oldest are forgotten, by number and by what they hold', async (t) => {
  const few = await startInspected(t, { inspector: { limit: 5 } })
  for (let i = 0; i < 12; i++) await fetch(`${few.url}/${i}`)
  const page = await listen(t, few.url)
  await until(() => page.requests().length === 5)
  t.deepEqual(
    page.requests().map(({ path }) => path),
    ['/7', '/8', '/9', '/10', '/11'],
  )

  const many = await startInspected(t, {
    handlers: [
      async (ctx) => {
        await text(ctx.req)
        ctx.body = 'y'.repeat(100_000)
      },
    ],
  })
  const body = 'x'.repeat(100_000)
  for (let i = 0; i < 150; i++) await fetch(`${many.url}/${i}`, { method: 'POST', body })
  const big = await listen(t, many.url)
  await until(() => big.requests().length > 0 && big.requests().at(-1)?.path === '/149')
  // 8 MB, of 64 KB and 16 KB each.
  t.true(big.requests().length < 120, `${big.requests().length}`)
  const last = await big.request('/149')
  t.like(last.body, { size: 100_000, isCut: true })
  t.like(last.response?.body, { size: 100_000, isCut: true })
  t.false(last.canReplay)
})

test('inspector(): an event stream does not keep a server that closes', async (t) => {
  const { url, server } = await startInspected(t)
  const pages = await Promise.all([listen(t, url), listen(t, url)])
  const began = performance.now()
  await new Promise((resolve) => server.close(resolve))
  t.true(performance.now() - began < 2000)
  await until(() => pages.every((page) => page.isOver()))
})

async function statusOf(
  url: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<number> {
  const sent = request(url + path, { method: body ? 'POST' : 'GET', headers, agent: false })
  const status = new Promise<number>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
  })
  sent.end(body)
  return status
}

async function raw(port: number, message: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(message)
  return text(socket)
}
