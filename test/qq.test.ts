/** wechat.baseUrl: a mini program of QQ, whose call is WeChat's at another host, and whose successes have an errcode of 0. */
import test from 'ava'
import { createSession } from '../client/src/index.js'
import { headerCarrier } from '../src/index.js'
import { startServer } from './support/server.js'
import { KEY } from './support/visitor.js'
import { startWechat } from './support/wechat.js'

test('wechat.baseUrl: a mini program of QQ logs in, and is told apart from a refusal', async (t) => {
  const qq = startWechat(t, { platform: 'qq', unionIds: true })
  const { url } = await startServer(t, {
    ...{ appId: qq.appId, appSecret: qq.appSecret, carrier: headerCarrier({ keys: KEY }) },
    wechat: { baseUrl: await qq.listen(), fetch },
  })
  const phone = qq.phone('alice')
  const session = createSession({ baseUrl: url, wx: phone.wx })
  const { openId, unionId } = phone.user

  const first = await session.request<{ user: object; isNew: boolean }>({ url: '/' })
  const second = await session.request<{ user: object; isNew: boolean }>({ url: '/' })
  const { exchanges } = qq
  qq.fail({ errcode: -1009 }, { times: Number.POSITIVE_INFINITY })
  const refused = await createSession({ baseUrl: url, wx: qq.phone('bob').wx })
    .request({ url: '/' })
    .catch((error: unknown) => error)

  t.like(first.data, { user: { openId, unionId }, isNew: true })
  t.like(second.data, { user: { openId }, isNew: false })
  t.is(exchanges, 1)
  t.true(refused instanceof Error)
})
