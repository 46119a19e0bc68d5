import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import Koa from 'koa'
import type { Phone, Wechat, WechatOptions } from '../../../simulator/src/index.js'
import { type WeappSession, weappSession } from '../../../src/index.js'
import { listen } from '../../support/server.js'
import { namedPhone, startWechat } from '../../support/wechat.js'

/** A real server with a phone of alice. */
export interface Scene {
  url: string
  phone: Phone
  wechat: Wechat
  session: WeappSession
  /** How often the server has answered each status. */
  statuses: Map<number, number>
  /** What is done before the next requests: the server ends the session of alice when so many have arrived. */
  endSessionAt(request: number): void
}

/** Answers `{ openId }` after a moment, so that requests run beside each other; needs a user. */
export async function startScene(t: ExecutionContext, options?: WechatOptions): Promise<Scene> {
  const wechat = startWechat(t, options)
  const { appId, appSecret, fetch } = wechat
  const phone = namedPhone(wechat, 'alice')
  const session = weappSession({ appId, appSecret, wechat: { fetch } })
  const statuses = new Map<number, number>()
  let left = 0
  const app = new Koa()
  app.silent = true
  app.use(async (ctx, next) => {
    left -= 1
    if (left === 0) await session.revoke(phone.user.openId)
    try {
      await next()
    } finally {
      statuses.set(ctx.status, (statuses.get(ctx.status) ?? 0) + 1)
    }
  })
  app.use(session)
  app.use(async (ctx) => {
    await sleep(Math.random() * 20)
    ctx.body = { openId: ctx.$wxUserInfo?.openId ?? null }
  })
  const url = await listen(t, app)
  t.teardown(() => session.close())
  const endSessionAt = (request: number) => {
    left = request
  }
  return { url, phone, wechat, session, statuses, endSessionAt }
}
