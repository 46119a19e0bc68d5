import test from 'ava'
import { cookieCarrier } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { startServer } from './support/server.js'
import { CARRIERS, KEY, kept } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

test.serial(
  'cookieCarrier(): a client that keeps to its age has a rolling session for as long as it comes back',
  async (t) => {
    const server = await startServer(t, { carrier: CARRIERS.cookie(), rolling: true, ttl: 3 })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone('alice')))
    const headers = kept(login)
    const age = ({ headers }: { headers: Record<string, string> }) =>
      Number(/Max-Age=(\d+)/.exec(String(headers['set-cookie']))?.[1])

    const soon = await server.send(headers)
    takeDate(t).pass(1500)
    const later = await server.send(headers)

    t.deepEqual(kept(soon), {}, 'a renewal that is not due gives nothing')
    t.is(later.status, 200)
    t.deepEqual(kept(later), headers, 'the same credential')
    t.is(age(login), 3)
    t.is(age(later), 3)
    t.is(later.get('Cache-Control'), 'no-store')
  },
)

test('cookieCarrier({ name }): it promises what browsers can keep, and no more', async (t) => {
  const names: [options: object, name: string][] = [
    [{}, '__Host-wx-session'],
    [{ sameSite: 'none' }, '__Host-wx-session'],
    [{ secure: false }, 'wx-session'],
    [{ path: '/api' }, 'wx-session'],
    [{ domain: 'example.com' }, 'wx-session'],
    [{ name: 'sid' }, 'sid'],
    [{ name: '__Secure-sid', domain: 'example.com' }, '__Secure-sid'],
    [{ name: '__Host-sid' }, '__Host-sid'],
  ]

  for (const [options, name] of names) {
    const server = await startServer(t, { carrier: cookieCarrier({ keys: [KEY], ...options }) })
    const login = await server.send(await codeLoginHeaders(server.wechat.phone()))
    const [cookie = ''] = login.get('Set-Cookie') ?? []
    const value = cookie.slice(name.length + 1).split(';')[0] ?? ''

    t.true(cookie.startsWith(`${name}=`), cookie)
    const others = ['wx-session', '__Host-wx-session', 'sid'].filter((other) => other !== name)
    t.is((await server.send({ Cookie: `${name}=${value}` })).status, 200)
    for (const other of others)
      t.is((await server.send({ Cookie: `${other}=${value}` })).body.user, null, `${other} is not read`)
  }
})

test('cookieCarrier({ name }): a name whose promise the other options break is said at start-up', (t) => {
  for (const options of [
    { name: '__Host-sid', secure: false },
    { name: '__Host-sid', path: '/api' },
    { name: '__Host-sid', domain: 'example.com' },
    { name: '__host-sid', domain: 'example.com' },
    { name: '__Secure-sid', secure: false },
  ])
    t.throws(() => cookieCarrier({ keys: [KEY], ...options }), {
      instanceOf: TypeError,
      message: new RegExp(`${options.name}.*browsers refuse`),
    })
})
