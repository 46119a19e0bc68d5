/** maxSessionsPerUser: clients that log in for each of their parallel calls. */
import test from 'ava'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { takeDate } from './support/own-date.js'
import { useRedis } from './support/redis.js'
import { startServer } from './support/server.js'
import { CARRIERS, kept } from './support/visitor.js'
import { codeLoginHeaders } from './support/wechat.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  'memoryStore()': () => memoryStore(),
  'redisStore()': () => redisStore(redis().options),
}

for (const [where, store] of Object.entries(STORES)) {
  test(`maxSessionsPerUser (${where}): by default, fifty logins of one user at once are all in`, async (t) => {
    const server = await startServer(t, { store: store(), carrier: CARRIERS.header() })
    const phone = server.wechat.phone('alice')

    const logins = await Promise.all(
      Array.from({ length: 50 }, async () => server.send(await codeLoginHeaders(phone))),
    )
    const later = await Promise.all(logins.map((login) => server.send(kept(login))))

    t.is(later.filter(({ body }) => body.user).length, 50)
  })

  test(`maxSessionsPerUser (${where}): a number that the app has set is kept exactly`, async (t) => {
    const server = await startServer(t, { store: store(), carrier: CARRIERS.header(), maxSessionsPerUser: 1 })
    const phone = server.wechat.phone('alice')
    const logins = await Promise.all(
      Array.from({ length: 5 }, async () => server.send(await codeLoginHeaders(phone))),
    )
    const later = await Promise.all(logins.map((login) => server.send(kept(login))))
    t.is(later.filter(({ body }) => body.user).length, 1)
  })
}

test.serial('maxSessionsPerUser: what is over goes at the next login, when it is a minute old', async (t) => {
  const server = await startServer(t, { carrier: CARRIERS.header() })
  const phone = server.wechat.phone('alice')
  const logins = []
  for (let n = 0; n < 15; n++) logins.push(kept(await server.send(await codeLoginHeaders(phone))))
  takeDate(t).pass(61_000)

  const last = kept(await server.send(await codeLoginHeaders(phone)))

  const later = await Promise.all([...logins, last].map((headers) => server.send(headers)))
  t.is(later.filter(({ body }) => body.user).length, 10)
  t.is((await server.send(last)).status, 200)
})
