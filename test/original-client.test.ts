import test from 'ava'
import type { WxUserInfo } from '../src/index.js'
import { type OriginalOptions, originalClient } from './support/original-client.js'
import { startServer } from './support/server.js'
import { until } from './support/until.js'
import { namedPhone } from './support/wechat.js'

for (const legacyStatus of [false, true]) {
  const mode = legacyStatus ? ' (legacyStatus)' : ''

  test(`codeCarrier(): the client of 2016 logs in, goes on, and logs in again when its session is gone${mode}`, async (t) => {
    const { url, wechat, session } = await startServer(t, { legacyStatus })
    const phone = namedPhone(wechat, 'alice')
    const request = originalClient(phone)

    t.is((await get(request, url)).nickName, 'alice')
    t.is((await get(request, url)).nickName, 'alice')
    t.is(wechat.exchanges, 1)

    await session.revoke(phone.user.openId)
    t.is((await get(request, url)).openId, phone.user.openId)
    t.is(wechat.exchanges, 2)
  })

  test(`codeCarrier(): a cold start of the client of 2016: 20 calls, one exchange, no call wasted${mode}`, async (t) => {
    const { url, wechat } = await startServer(t, { legacyStatus })
    wechat.fail({ delay: 50 })
    const phone = namedPhone(wechat, 'alice')
    const request = originalClient(phone)

    const users = await Promise.all(Array.from({ length: 20 }, () => get(request, url)))

    t.deepEqual(new Set(users.map(({ openId }) => openId)), new Set([phone.user.openId]))
    t.is(wechat.exchanges, 1)
    t.is(phone.counts.login, 1)
    t.is(phone.counts.request, 20)
  })

  test(`codeCarrier(): the client of 2016 gets over a WeChat that is busy${mode}`, async (t) => {
    const { url, wechat } = await startServer(t, { legacyStatus })
    wechat.fail({ errcode: -1 })
    const phone = namedPhone(wechat, 'alice')

    t.is((await get(originalClient(phone), url)).nickName, 'alice')

    t.is(phone.counts.login, 2)
  })

  test(`codeCarrier(): the client of 2016 is told that its user data is not trusted, and stops${mode}`, async (t) => {
    const { url, wechat } = await startServer(t, { legacyStatus })
    const phone = namedPhone(wechat, 'alice')
    const honest = phone.wx.getUserInfo
    phone.wx.getUserInfo = (options) => {
      honest({
        ...options,
        success: (info) => options?.success?.({ ...info, rawData: info.rawData.replace('alice', 'mallory') }),
      })
    }

    const error = await t.throwsAsync(() => get(originalClient(phone), url), { any: true })

    t.is((error as { name?: string }).name, 'WeappSessionError')
    t.is(phone.counts.request, 1)
  })
}

test('codeCarrier(): a second call of the client of 2016 that overtakes the slow first one waits for its login', async (t) => {
  const { url, wechat } = await startServer(t)
  wechat.fail({ delay: 300 })
  const phone = namedPhone(wechat, 'alice')
  const request = originalClient(phone)

  const first = get(request, url)
  await until(() => wechat.exchanges === 1)
  const second = get(request, url)

  t.deepEqual(await second, await first)
  t.is(phone.counts.login, 1)
  t.is(phone.counts.request, 2)
})

function get(request: (options: OriginalOptions) => void, url: string): Promise<WxUserInfo> {
  return new Promise((resolve, reject) => {
    request({ url, success: ({ data }) => resolve((data as { user: WxUserInfo }).user), fail: reject })
  })
}
