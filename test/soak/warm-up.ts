import { setTimeout as sleep } from 'node:timers/promises'
import type { Wechat } from '../../simulator/src/index.js'
import { signedIds } from '../../src/carriers/signed-id.js'
import { createIds } from '../../src/crypto/ids.js'
import { keyRing } from '../../src/crypto/key-ring.js'
import { createSealer } from '../../src/crypto/seal.js'
import { redisStore } from '../../src/index.js'
import type { SessionRecord } from '../../src/stores/store.js'
import { newCode } from '../support/wechat.js'
import type { Asking } from './asking.js'
import type { Fault } from './faults.js'
import { sendMadeUpCode } from './junk.js'
import type { RestartableRedis } from './redis.js'
import type { Server } from './servers.js'
import { STORE_TIMEOUT, TTL, WECHAT_CONCURRENCY } from './settings.js'

/**
 * What a server keeps up to a limit is filled to the limit before anything is measured: from the outside, a cache that
 * fills is a leak. Credentials that were seen: 20,000 (carriers/code.ts, carriers/signed-id.ts). Codes that WeChat has
 * refused: 1000 (login/exchange.ts). Connections to WeChat: as many as exchanges at a time.
 *
 * Many more credentials than that: V8's Map leaves room where something was deleted. When 32,768 places are used up, and
 * less than half of them were deleted, it doubles them, which are 0.8 MB, and then it stays as it is.
 */
const CREDENTIALS = 34_000
const MADE_UP_CODES = 1100

/** Sessions that are made, and then asked for, at a time. */
const BATCH = 500
const READS_AT_A_TIME = 50

/** ms that each fault lasts, and that all is well after it: so that its code has run before anything is measured. */
const FAULT = 3000
const PAUSE = 3000

export interface WarmUpTools {
  wechat: Wechat
  redis: RestartableRedis
  keys: string[]
  asking: Asking
}

/** Fills the caches of a server that has no visitors yet. */
export async function fillCaches(server: Server, tools: WarmUpTools): Promise<void> {
  const { redis, asking } = tools
  const make = sessionMaker(server, tools)
  for (let made = 0; made < CREDENTIALS; made += BATCH) {
    const sessions = await Promise.all(Array.from({ length: BATCH }, (_, n) => make.create(made + n)))
    await inParallel(READS_AT_A_TIME, sessions, async ({ headers, openId }) => {
      await asking.ask({ what: 'warm-up: read', server, path: '/', headers, openId }, [200])
    })
  }
  await make.close()
  await inParallel(WECHAT_CONCURRENCY, Array.from({ length: MADE_UP_CODES }), () =>
    sendMadeUpCode(server, asking),
  )
  await openConnectionsToWechat(server, tools)
  await redis.clear()
}

/** Lets every fault happen once, shortly. */
export async function meetFaults(faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) {
    await fault.strike(FAULT)
    await sleep(PAUSE)
  }
}

/** As many logins at a time as the server sends to WeChat at a time. */
async function openConnectionsToWechat(server: Server, { wechat, asking }: WarmUpTools): Promise<void> {
  const withdraw = wechat.fail({ delay: 300 }, { times: Number.POSITIVE_INFINITY })
  const logins = Array.from({ length: WECHAT_CONCURRENCY }, async (_, n) => {
    const phone = wechat.phone(`warm-up ${n}`)
    const headers = { 'X-WX-Code': await newCode(phone), 'X-WX-Login': 'code' }
    const { openId } = phone.user
    await asking.ask({ what: 'warm-up: login', server, path: '/', headers, openId }, [200])
  })
  await Promise.all(logins)
  withdraw()
}

/** Makes sessions by the store's own steps: as many logins would take minutes. */
function sessionMaker({ carrier }: Server, { wechat, redis, keys }: WarmUpTools) {
  const { appId, appSecret } = wechat
  const store = redisStore({ url: redis.url, prefix: redis.prefix, timeout: 5 * STORE_TIMEOUT })
  const ids = createIds(appId, appSecret, carrier)
  const sealer = createSealer(appSecret)
  const signed = signedIds(keyRing('the soak', keys), 'x-wx-session')

  return {
    async create(n: number): Promise<{ openId: string; headers: Record<string, string> }> {
      const credential = ids.credential(`warm-up ${n}`)
      const id = ids.session(credential)
      const openId = `o-warm-up-${n}`
      const entry = await store.claim(id)
      if (entry.state !== 'granted') throw new Error(`session ${n} of the warm-up is ${entry.state}`)
      const created = Date.now()
      const record: SessionRecord = {
        v: 1,
        appId,
        user: { appId, openId },
        data: {},
        key: sealer.seal('AAAAAAAAAAAAAAAAAAAAAA==', id),
        created,
        expires: created + TTL * 1000,
        rev: 0,
      }
      await store.create({ id, user: ids.user(openId), record, claim: entry.claim, max: 1 })
      const headers: Record<string, string> =
        carrier === 'code' ? { 'X-WX-Code': credential } : { 'X-WX-Session': signed.print(credential) }
      return { openId, headers }
    },
    close: () => store.close?.(),
  }
}

async function inParallel<T>(
  atATime: number,
  all: readonly T[],
  work: (each: T) => Promise<void>,
): Promise<void> {
  const left = all.values()
  const worker = async () => {
    for (const each of left) await work(each)
  }
  await Promise.all(Array.from({ length: atATime }, worker))
}
