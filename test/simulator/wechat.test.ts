import test from 'ava'

import { createClock, createWechat } from '../../simulator/src/index.js'
import { exchangeUrl, failure, logIn, minutes, run, startServer, startWechat } from './support.js'

test('it does not run in production', async (t) => {
  const { exitCode, output } = await run('createWechat()', { NODE_ENV: 'production' })

  t.is(exitCode, 1)
  t.regex(output, /TypeError: weapp-simulator: .* NODE_ENV=production/)
})

test('a closed simulator lets the process end', async (t) => {
  const { exitCode, output } = await run(`
    const wechat = createWechat()
    const base = await wechat.listen()
    wechat.fail('hang', { times: Infinity })
    const calls = Promise.allSettled([fetch(base), wechat.fetch(base), wechat.fetch(base)])
    const phone = wechat.phone('alice')
    phone.fail('login', { delay: 60_000 })
    phone.wx.login({ complete: () => console.log('login called back') })
    phone.wx.request({ url: base + '/sns/jscode2session', complete: ({ errMsg }) => console.log(errMsg) })
    const slow = wechat.phone()
    slow.fail('request', { delay: 60_000 })
    slow.wx.request({ url: base })
    slow.enterBackground()
    setTimeout(async () => {
      await wechat.close()
      const outcomes = await calls
      console.log(outcomes.map(({ status }) => status).join())
    }, 200)
  `)

  t.is(exitCode, 0, output)
  t.regex(output, /request:fail errcode/)
  t.regex(output, /rejected,rejected,rejected/)
  t.notRegex(output, /login called back/)
})

test('close fails what phones are doing, and can be repeated', async (t) => {
  const wechat = createWechat()
  const phone = wechat.phone()
  const url = await startServer(t, () => {})
  const running = failure((callbacks) => phone.wx.request({ url, ...callbacks }))

  await Promise.all([wechat.close(), wechat.close()])
  await wechat.close()

  t.is((await running).errno, 600001)
  const error = await t.throwsAsync(wechat.fetch('https://api.weixin.qq.com/'), { instanceOf: TypeError })
  t.like(error?.cause, { code: 'ECONNREFUSED' })
})

test('two simulators share nothing', async (t) => {
  const [one, two] = [startWechat(t), startWechat(t)]
  one.fail({ errcode: -1 })
  one.clock.advance(minutes(60))

  const response = await two.fetch(exchangeUrl(two, await logIn(two.phone('alice'))))

  t.is(JSON.parse(await response.text()).openid, two.user('alice').openId)
  t.not(one.user('alice').openId, two.user('alice').openId)
  t.is(one.exchanges, 0)
  t.true(Math.abs(two.clock.now() - Date.now()) < 1000)
})

test('simulators can share a clock', (t) => {
  const clock = createClock()
  const [one, two] = [startWechat(t, { clock }), startWechat(t, { clock })]

  one.clock.advance(minutes(60))

  t.true(two.clock.now() - Date.now() > minutes(59))
})

test('what is due happens in order while the clock advances', (t) => {
  const clock = createClock()
  const rung: string[] = []
  clock.after(3000, () => rung.push('third'))
  const cancel = clock.after(2000, () => rung.push('cancelled'))
  clock.after(1000, () => rung.push('first'))
  const never = clock.after(Number.POSITIVE_INFINITY, () => rung.push('never'))
  cancel()

  clock.advance(2500)
  t.deepEqual(rung, ['first'])
  clock.advance(2500)
  never()

  t.deepEqual(rung, ['first', 'third'])
})

test('time does not go back', (t) => {
  t.throws(() => createClock().advance(-1), { instanceOf: RangeError })
})
