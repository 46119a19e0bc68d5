import test, { type ExecutionContext } from 'ava'
import { type Carrier, cookieCarrier, headerCarrier, memoryStore, redisStore } from '../src/index.js'
import { jwtCarrier } from '../src/jwt/index.js'
import { useRedis } from './support/redis.js'
import { startServer, type TestServer } from './support/server.js'
import { CARRIERS, type CarrierName, kept } from './support/visitor.js'
import { codeLoginHeaders, startWechat } from './support/wechat.js'

const redis = useRedis(test)

const names = Object.keys(CARRIERS) as CarrierName[]
const OTHER_KEY = 'the key of whoever has stolen an id, but not ours'

/** How a text is presented as a credential, by whoever has no key of ours. */
const PRESENTED: Record<CarrierName, (text: string) => Record<string, string>> = {
  code: (text) => ({ 'X-WX-Code': text }),
  header: (text) => ({ 'X-WX-Session': text }),
  cookie: (text) => ({ Cookie: `__Host-wx-session=${text}` }),
  jwt: (text) => ({ Authorization: `Bearer ${text}` }),
}

for (const where of ['memory', 'redis'] as const) {
  for (const name of names.filter((name) => name !== 'code')) {
    test(`keys: a credential of ${name}Carrier(), or a part of it, is refused by the other carriers on the same store (${where})`, async (t) => {
      const servers = await startAll(t, where)
      const issuer = servers[name]
      const credential = kept(await issuer.send(await codeLoginHeaders(issuer.wechat.phone('alice'))))
      t.is((await issuer.send(credential)).body.user.openId, issuer.wechat.user('alice').openId)

      for (const text of partsOf(Object.values(credential)[0] ?? '')) {
        for (const other of names) {
          if (other === name && Object.values(PRESENTED[name](text))[0] === Object.values(credential)[0])
            continue
          const { body } = await servers[other].send(PRESENTED[other](text))
          t.is(body.user?.openId, undefined, `${other}: ${text}`)
        }
      }
    })
  }
}

test('keys: an id whose signing key was removed is nothing, whoever signs it for another carrier', async (t) => {
  const { weixin, store } = { weixin: startWechat(t), store: memoryStore() }
  const start = (carrier: Carrier) => startServer(t, { weixin, store, carrier, handler: who })
  const before = await start(headerCarrier({ keys: CARRIER_KEYS }))
  const session = kept(await before.send(await codeLoginHeaders(weixin.phone('alice'))))
  const id = (session['X-WX-Session'] ?? '').split('.')[0] ?? ''

  // The other carriers of this server have keys of their own, and one of those is known to the thief.
  const keys = [OTHER_KEY]
  for (const carrier of [cookieCarrier({ keys }), jwtCarrier({ keys })]) {
    const after = await start(carrier)
    t.is((await after.send({ ...PRESENTED.cookie(id), ...session })).body.user?.openId, undefined)
  }
})

const CARRIER_KEYS = ['a key that was removed since, and long enough']

/** All that can be read off a credential: itself, its parts, and what a token says. */
function partsOf(credential: string): string[] {
  const bare = credential.replace(/^Bearer /, '').replace(/^[^=]*=/, '')
  const parts = bare.split('.')
  const said = parts.flatMap((part) => {
    try {
      return Object.values(JSON.parse(Buffer.from(part, 'base64url').toString()))
    } catch {
      return []
    }
  })
  return [bare, ...parts, ...said.filter((value): value is string => typeof value === 'string')]
}

async function startAll(
  t: ExecutionContext,
  where: 'memory' | 'redis',
): Promise<Record<CarrierName, TestServer>> {
  const weixin = startWechat(t)
  const store = where === 'memory' ? memoryStore() : redisStore(redis().options)
  const started = names.map(async (name) => {
    const server = await startServer(t, { weixin, store, carrier: CARRIERS[name](), handler: who })
    return [name, server] as const
  })
  return Object.fromEntries(await Promise.all(started)) as Record<CarrierName, TestServer>
}

function who(ctx: Parameters<Parameters<TestServer['app']['use']>[0]>[0]): void {
  ctx.body = { user: ctx.$wxUserInfo }
}
