import { install } from '@sinonjs/fake-timers'
import test from 'ava'
import { redisStore } from '../src/index.js'
import { createOutage } from '../src/util/outage.js'
import { type OwnRedis, startRedis } from './support/redis.js'
import { startServer } from './support/server.js'
import { until } from './support/until.js'
import { codeLoginHeaders, codeOnly } from './support/wechat.js'

// Of themselves: they set the clock of this process, and listen to what it says.
const serial = test.serial

serial(
  'createOutage(): one line when it begins, and one when it is over, with how long and how many',
  async (t) => {
    const { said, clock } = await listen(t)
    const outage = createOutage('It works again')
    outage.served()

    outage.refused('WEAPP_X', 'It fails: no answer')
    for (let n = 0; n < 10; n++) {
      clock.tick(1000)
      outage.refused('WEAPP_Y', `It fails: for another reason, ${n}`)
      outage.turnedAway()
    }
    clock.tick(5000)
    outage.served()
    outage.served()

    t.deepEqual(await said(), [
      'WEAPP_X: It fails: no answer',
      'WEAPP_X: It works again, after 10.0 s: 21 requests were refused',
    ])
  },
)

serial('createOutage(): what comes and goes is one outage', async (t) => {
  const { said, clock } = await listen(t)
  const outage = createOutage('It works again')

  for (let n = 0; n < 100; n++) {
    outage.refused('WEAPP_X', 'It fails')
    clock.tick(4000)
    outage.served()
  }
  clock.tick(1000)
  outage.served()

  t.deepEqual(await said(), [
    'WEAPP_X: It fails',
    'WEAPP_X: It works again, after 7 min: 100 requests were refused',
  ])
})

serial('createOutage(): trouble of another kind is said too, each once in an outage', async (t) => {
  const { said, clock } = await listen(t)
  const outage = createOutage('It works again')

  for (const kind of ['', 'password', '', 'password', 'permission'])
    outage.refused('WEAPP_X', `It fails: ${kind}`, { kind })
  clock.tick(5000)
  outage.served()
  outage.refused('WEAPP_X', 'It fails: password', { kind: 'password' })

  t.deepEqual(await said(), [
    'WEAPP_X: It fails: ',
    'WEAPP_X: It fails: password',
    'WEAPP_X: It fails: permission',
    'WEAPP_X: It works again, after less than 0.1 s: 5 requests were refused',
    'WEAPP_X: It fails: password',
  ])
})

serial(
  'createOutage(): it is over when what has failed works again, and not because other calls do',
  async (t) => {
    const { said, clock } = await listen(t)
    const outage = createOutage('It works again')

    for (let n = 0; n < 10; n++) {
      outage.refused('WEAPP_X', 'It cannot be written', { call: 'create' })
      clock.tick(6000)
      outage.served('read')
    }
    t.deepEqual(await said(), ['WEAPP_X: It cannot be written'])
    outage.served('create')
    t.is((await said()).length, 2)

    outage.refused('WEAPP_X', 'It cannot be written', { call: 'create' })
    clock.tick(60_000)
    outage.served('read')
    t.is((await said()).length, 4)
  },
)

serial(
  'WEAPP_STORE: a Redis that comes and goes is one outage, and one that refuses nobody is none',
  async (t) => {
    const { said, clock } = await listen(t)
    const own = await startRedis()
    t.teardown(() => own.stop())
    const { send, wechat } = await startServer(t, { store: redisStore(own.options) })
    const headers = await codeLoginHeaders(wechat.phone())
    t.is((await send(headers)).status, 200)

    await cutConnections(own)
    await until(async () => (await send(codeOnly(headers))).status === 200)
    const blips = await said()
    t.true(blips.length <= 1, blips.join('\n'))
    clock.tick(10_000)
    await send(codeOnly(headers))
    const before = (await said()).length

    let refused = 0
    for (let n = 0; n < 200 && refused < 5; n++) {
      const asked = [1, 2, 3].map(() => send(codeOnly(headers)))
      await cutConnections(own)
      const responses = await Promise.all([...asked, send(codeOnly(headers))])
      refused += responses.filter(({ status }) => status === 503).length
    }
    await until(async () => (await send(codeOnly(headers))).status === 200)
    clock.tick(10_000)
    t.is((await send(codeOnly(headers))).status, 200)

    const lines = (await said()).slice(before)
    t.log(lines)
    t.true(refused > 0 && lines.length === 2, `${refused}: ${lines.join('\n')}`)
    t.regex(lines[0] ?? '', /^WEAPP_STORE: The session store fails/)
    t.regex(
      lines[1] ?? '',
      /^WEAPP_STORE: The session store works again, after .* \d+ requests? w.* refused$/,
    )
  },
)

serial('WEAPP_-1: sixty logins while WeChat is busy: one line, and another when it is over', async (t) => {
  const { said, clock } = await listen(t)
  const { send, wechat } = await startServer(t)
  const mend = wechat.fail({ errcode: -1 }, { times: Number.POSITIVE_INFINITY })

  for (let n = 0; n < 60; n++) t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 502)
  mend()
  clock.tick(10_000)
  t.is((await send(await codeLoginHeaders(wechat.phone()))).status, 200)

  const lines = await said()
  t.is(lines.length, 2, lines.join('\n'))
  t.regex(lines[0] ?? '', /^WEAPP_-1: Logins fail: WeChat is busy \(errcode -1/)
  t.regex(lines[1] ?? '', /^WEAPP_-1: Logins work again, after .*: 60 requests were refused$/)
})

async function cutConnections(own: OwnRedis): Promise<void> {
  await own.use((client) => client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']))
}

async function listen(t: { teardown(end: () => void): void }) {
  const lines: string[] = []
  const onWarning = ({ code, message }: Error & { code?: string }) => lines.push(`${code}: ${message}`)
  process.on('warning', onWarning)
  const clock = install({ toFake: ['performance'] })
  t.teardown(() => {
    process.off('warning', onWarning)
    clock.uninstall()
  })
  return {
    clock,
    async said() {
      // Warnings are emitted in a later turn.
      await new Promise(setImmediate)
      return lines
    },
  }
}
