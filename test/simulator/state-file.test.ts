import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createSimulatorServer } from '../../simulator/src/index.js'
import { startSimulator } from '../support/simulator-server.js'
import { callsOf } from './calls.js'
import { result } from './support.js'

test('state: while many write, the file is whole at every moment', async (t) => {
  const state = newFile(t)
  const { ask, exchange } = await startSimulator(t, { state })
  const names = Array.from({ length: 50 }, (_, i) => `user-${i}`)
  let isDone = false
  const logins = Promise.all(
    names.map(async (name) => exchange((await ask('POST', `/users/${name}/code`)).code)),
  ).finally(() => {
    isDone = true
  })
  let looks = 0
  while (!isDone) {
    t.notThrows(() => JSON.parse(readFileSync(state, 'utf8')))
    looks += 1
    await new Promise(setImmediate)
  }
  const sessions = await logins

  t.true(looks > 10)
  const saved = JSON.parse(readFileSync(state, 'utf8'))
  t.is(saved.users.length, 50)
  t.true(saved.loginCodes.every(({ used }: { used: boolean }) => used))
  const keys = saved.users.map(({ sessionKey }: { sessionKey: { text: string } }) => sessionKey.text)
  t.deepEqual(new Set(keys), new Set(sessions.map(({ session_key }) => session_key)))
})

test('state: how risky users are and plugins’ codes survive, and another platform is refused', async (t) => {
  const state = newFile(t)
  const first = await startSimulator(t, { state })
  const { wechat } = first
  wechat.phone({ name: 'mallory', risk: 3 })
  const { code } = await result(wechat.phone('alice').wx.pluginLogin)
  await first.close()

  const second = await startSimulator(t, { state })
  const { post, token } = await callsOf(second.wechat)
  const access_token = await token()
  const { openId: openid } = second.wechat.user('mallory')
  const risk = { appid: wechat.appId, openid, scene: 0, client_ip: '203.0.113.1' }

  t.is((await post('/wxa/getuserriskrank', { access_token }, risk)).risk_rank, 3)
  t.regex(String((await post('/wxa/getpluginopenpid', { access_token }, { code })).openpid), /^G/)
  t.throws(() => createSimulatorServer({ state, platform: 'qq' }), {
    code: 'ERR_STATE_FILE',
    message: /is of the platform wechat, not of qq/,
  })
})

test('state: what is over for an hour leaves the file', async (t) => {
  const state = newFile(t)
  const { ask } = await startSimulator(t, { state })
  const saved = () => JSON.parse(readFileSync(state, 'utf8')).loginCodes.length
  await ask('POST', '/users/alice/code')

  await ask('POST', '/clock', { advance: '1h' })
  t.is(saved(), 1)
  await ask('POST', '/clock', { advance: '6m' })
  t.is(saved(), 0)
})

test('state: a reset empties the file, and the app stays', async (t) => {
  const state = newFile(t)
  const { ask, wechat } = await startSimulator(t, { state })
  await ask('POST', '/users/alice/code')

  await ask('POST', '/reset')

  const { users, loginCodes, appId, appSecret } = JSON.parse(readFileSync(state, 'utf8'))
  t.deepEqual([users, loginCodes], [[], []])
  t.deepEqual([appId, appSecret], [wechat.appId, wechat.appSecret])
})

test('state: another AppSecret takes the place of the one in the file', async (t) => {
  const state = newFile(t)
  const { appId } = (await startSimulator(t, { state })).wechat

  await startSimulator(t, { state, appSecret: 'reset' })

  const { wechat } = await startSimulator(t, { state })
  t.deepEqual([wechat.appId, wechat.appSecret], [appId, 'reset'])
})

test('state: a file of another kind is ERR_STATE_FILE, at once', (t) => {
  const state = newFile(t)
  writeFileSync(state, '{}')

  t.throws(() => createSimulatorServer({ state }), {
    code: 'ERR_STATE_FILE',
    message: /weappSimulator is missing/,
  })
})

test.serial('state: where it can no longer be written, that is a warning, and logins go on', async (t) => {
  const state = newFile(t)
  const { ask, exchange } = await startSimulator(t, { state })
  const warnings: string[] = []
  const hear = ({ message }: Error) => void warnings.push(message)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))

  rmSync(join(state, '..'), { recursive: true })
  const { code } = await ask('POST', '/users/alice/code')
  t.truthy((await exchange(code)).openid)
  await new Promise(setImmediate)

  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /^weapp-simulator: the state file .* cannot be written: ENOENT/)
})

function newFile(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-state-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'state.json')
}
