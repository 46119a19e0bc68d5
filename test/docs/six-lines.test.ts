import test from 'ava'
import { startServer } from '../support/server.js'
import { until } from '../support/until.js'
import { openMiniProgram } from './support/native-project.js'

for (const readme of ['README.md', 'README.zh-CN.md']) {
  test(`${readme}: six lines log in, show errors, and repeat`, async (t) => {
    let status = 200
    const { url, wechat } = await startServer(t, {
      handler(ctx) {
        ctx.status = status
        ctx.body = { user: ctx.$wxUserInfo }
      },
    })
    const phone = wechat.phone()
    const { toasts, shown, lines, reload } = await openMiniProgram(t, readme, url, phone)

    await until(() => shown.length === 1)
    t.deepEqual(JSON.parse(JSON.stringify(shown)), [
      { me: { user: { appId: wechat.appId, openId: phone.user.openId } } },
    ])
    t.deepEqual(toasts, [])
    t.true(lines <= 6, `${lines} lines`)

    status = 500
    reload()
    await until(() => toasts.length === 1)
    t.deepEqual(toasts, ['GET /me: 500'])

    status = 200
    phone.offline = true
    reload()
    phone.offline = false
    await until(() => shown.length === 2)
    t.is(toasts.length, 1)
  })
}
