import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import test, { type ExecutionContext } from 'ava'
import { cloudRun, type Diagnostics } from '../src/index.js'
import { startServer } from './support/server.js'
import { CARRIERS, kept } from './support/visitor.js'
import { codeLoginHeaders, codeOnly } from './support/wechat.js'

/** What one channel says, until the test ends. */
function hear<Name extends keyof Diagnostics>(t: ExecutionContext, name: Name): Diagnostics[Name][] {
  const heard: Diagnostics[Name][] = []
  const listener = (message: unknown) => heard.push(message as Diagnostics[Name])
  subscribe(`koa-weapp-session:${name}`, listener)
  t.teardown(() => unsubscribe(`koa-weapp-session:${name}`, listener))
  return heard
}

test.serial(
  'identify: it says how each request was identified, by names that say nothing else',
  async (t) => {
    for (const [kind, carrier] of Object.entries(CARRIERS)) {
      const server = await startServer(t, { carrier: carrier() })
      const heard = hear(t, 'identify')
      const logins = hear(t, 'login')

      const headers = await codeLoginHeaders(server.wechat.phone())
      const credential = { ...(kind === 'code' && codeOnly(headers)), ...kept(await server.send(headers)) }
      await server.send(credential)
      await server.send()
      await server.send({ 'X-WX-Session': 'of nobody', Cookie: 'wx-session=of-nobody', 'X-WX-Code': '' })

      const mine = heard.filter(({ appId }) => appId === server.wechat.appId)
      t.deepEqual(
        mine.slice(0, 3).map(({ by }) => by),
        ['login', 'session', 'nothing'],
        kind,
      )
      const [login, session] = mine
      t.is(login?.carrier, session?.carrier)
      t.is(login?.user, logins.at(-1)?.user)
      t.is(session?.user, login?.user)
      t.is(session?.session, login?.session)
      t.true((session?.expires ?? 0) > Date.now())
      for (const { ms } of mine) t.true(ms >= 0)
      for (const secret of server.wechat.secrets()) t.false(JSON.stringify(mine).includes(secret))
    }
  },
)

test.serial(
  'identify: a user whom the platform names is one of the platform; a refused request is none',
  async (t) => {
    const server = await startServer(t, {
      trust: cloudRun({ appIds: ['wx-cloud'], env: 'prod-1' }),
    })
    const heard = hear(t, 'identify')
    await server.send({
      'X-WX-Source': 'wx_client',
      'X-WX-Env': 'prod-1',
      'X-WX-AppId': 'wx-cloud',
      'X-WX-OpenId': 'o1',
    })
    await server.send({ 'X-WX-Code': 'of-no-login' })
    t.deepEqual(
      heard.map(({ by, appId }) => [by, appId]),
      [['platform', 'wx-cloud']],
    )
  },
)
