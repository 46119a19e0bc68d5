import { setTimeout as sleep } from 'node:timers/promises'
import type { Wechat, Fault as WechatFault } from '../../simulator/src/index.js'
import type { Outages } from './outages.js'
import type { RestartableRedis } from './redis.js'
import type { Server } from './servers.js'
import { WECHAT_TIMEOUT } from './settings.js'

/** Something that fails for a while. */
export interface Fault {
  readonly name: string
  /** Resolves when all is well again, after so many ms or a little more. */
  strike(ms: number): Promise<void>
}

/** ms after which nothing of an outage of Redis may be noticed any more. */
const REDIS_GRACE = 2000

/** The last call that got no answer, and what the breaker in front of WeChat waits (2 s) before the next try. */
const WECHAT_GRACE = WECHAT_TIMEOUT + 2000 + 1000

/** ms for one way to Redis, where it is slow. */
const DELAY = 200

export function redisFaults(redis: RestartableRedis, servers: readonly Server[], outages: Outages): Fault[] {
  return [
    fault('Redis is frozen', async (ms) => {
      redis.freeze()
      await sleep(ms)
      redis.thaw()
    }),
    fault('connections are cut', async (ms) => {
      for (let cuts = 0; cuts < 4; cuts++) {
        for (const { link } of servers) link.cut()
        await sleep(ms / 4)
      }
    }),
    fault('Redis is slow', async (ms) => {
      for (const { link } of servers) link.delay = DELAY
      await sleep(ms)
      for (const { link } of servers) link.delay = 0
    }),
    fault('Redis is restarted', async (ms) => {
      await redis.shutDown()
      await sleep(ms)
      await redis.startAgain()
    }),
  ]

  function fault(name: string, run: (ms: number) => Promise<void>): Fault {
    return { name, strike: (ms) => during(outages, REDIS_GRACE, () => run(ms)) }
  }
}

export function wechatFaults(wechat: Wechat, outages: Outages): Fault[] {
  return [
    fault('WeChat is silent', 'hang'),
    fault('WeChat says 502', { status: 502 }),
    fault('WeChat is busy', { errcode: -1 }),
    fault('WeChat sends half an answer', 'truncated'),
    fault('WeChat sends no openid', 'withoutOpenId'),
    fault('WeChat hangs up', 'lost'),
  ]

  function fault(name: string, what: WechatFault): Fault {
    const run = async (ms: number) => {
      const withdraw = wechat.fail(what, { times: Number.POSITIVE_INFINITY, path: '/sns/jscode2session' })
      await sleep(ms)
      withdraw()
    }
    return { name, strike: (ms) => during(outages, WECHAT_GRACE, () => run(ms)) }
  }
}

async function during(outages: Outages, grace: number, run: () => Promise<void>): Promise<void> {
  const end = outages.begin(grace)
  await run()
  end()
}
