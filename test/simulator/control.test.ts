import { execFile } from 'node:child_process'
import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { controlAt, startSimulator } from '../support/simulator-server.js'
import { callsOf } from './calls.js'

test('createSimulatorServer(): a code as wx.login() gives it is exchanged once', async (t) => {
  const { ask, exchange, wechat } = await startSimulator(t)

  const { code, expiresIn } = await ask('POST', '/users/alice/code')

  t.regex(code, /^[0-9A-Za-z]{32}$/)
  t.is(expiresIn, 300)
  const session = await exchange(code)
  t.is(session.openid, wechat.user('alice').openId)
  const { users } = await ask('GET', '/users')
  t.like(users[0], { name: 'alice', openId: session.openid, sessionKey: session.session_key, unionId: null })
  t.is((await exchange(code)).errcode, 40163)
})

test('createSimulatorServer(): a picture in the calls is what it is, and a number is known to checkencryptedmsg', async (t) => {
  const { ask, wechat } = await startSimulator(t)
  const { post, token } = await callsOf(wechat)
  const access_token = await token()
  await ask('POST', '/users/alice/code')
  const { encryptedData } = await ask('POST', '/users/alice/phone-number')
  const encrypted_msg_hash = createHash('sha256').update(encryptedData).digest('hex')
  const url = `https://api.weixin.qq.com/wxa/getwxacodeunlimit?access_token=${access_token}`
  await wechat.fetch(url, { method: 'POST', body: '{"scene":"a"}' })

  t.like(await post('/wxa/business/checkencryptedmsg', { access_token }, { encrypted_msg_hash }), {
    vaild: true,
  })
  const { calls } = await ask('GET', '/calls?path=/wxa/getwxacodeunlimit')
  t.regex(calls[0]?.answer, /^\(image\/jpeg, \d+ bytes\)$/)
})

test('createSimulatorServer(): 抖音’s servers, with its paths and errcodes', async (t) => {
  const { ask, url, wechat } = await startSimulator(t, { platform: 'douyin' })
  const { code } = await ask('POST', '/users/alice/code')
  const exchange = async (secret: string) => {
    const body = JSON.stringify({ appid: wechat.appId, secret, code })
    return (await fetch(`${url}/api/apps/v2/jscode2session`, { method: 'POST', body })).json()
  }

  t.like(await exchange('wrong'), { err_no: 40017 })
  t.like(await exchange(wechat.appSecret), { data: { openid: wechat.user('alice').openId } })
  t.true((await ask('GET', '/app')).paths.includes('/api/apps/v2/jscode2session'))
  const { calls } = await ask('GET', '/calls')
  t.deepEqual([calls[0].errcode, calls[1].errcode], [40017, null])
})

test('createSimulatorServer(): WeChat’s own paths answer as WeChat does', async (t) => {
  const { url, wechat } = await startSimulator(t)
  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=wrong`

  const response = await fetch(`${url}/cgi-bin/token?${query}`)

  t.is(response.status, 200)
  t.is(response.headers.get('content-type'), 'application/json; encoding=utf-8')
  t.is(JSON.parse(await response.text()).errcode, 40125)
})

test('POST /simulator/users: a user with a name, a nickname and a phone number; again is 409', async (t) => {
  const { ask, control } = await startSimulator(t, { unionIds: true })
  const bob = { name: '小 明/?', nickName: '明', phoneNumber: '13800138000' }

  const made = await control('POST', '/users', bob)

  t.is(made.status, 201)
  t.like(made.body, { ...bob, sessionKey: null })
  t.regex(made.body.unionId, /^o/)
  const again = await control('POST', '/users', bob)
  t.is(again.status, 409)
  t.is(again.body.error.code, 'ERR_USER_EXISTS')
  t.deepEqual(await ask('GET', `/users/${encodeURIComponent(bob.name)}`), made.body)
  t.is((await ask('POST', '/users')).name, 'user 1')
})

test('DELETE /simulator/users/{name}: their codes are invalid, and nobody has that openid', async (t) => {
  const { ask, control, exchange } = await startSimulator(t)
  const { code } = await ask('POST', '/users/alice/code')

  t.deepEqual(await ask('DELETE', '/users/alice'), { deleted: 'alice' })

  t.is((await exchange(code)).errcode, 40029)
  t.deepEqual((await ask('GET', '/users')).users, [])
  const { status, body } = await control('DELETE', '/users/alice')
  t.deepEqual([status, body.error.code], [404, 'ERR_NO_USER'])
})

test('POST /simulator/users/{name}/user-info: rawData is signed with the session_key, and encryptedData opens with it', async (t) => {
  const { ask, control, exchange } = await startSimulator(t)
  await control('POST', '/users', { name: 'alice', nickName: '爱丽丝' })
  const early = await control('POST', '/users/alice/user-info')
  t.deepEqual([early.status, early.body.error.code], [409, 'ERR_NO_SESSION_KEY'])
  const { code } = await ask('POST', '/users/alice/code')
  const { session_key: key, openid } = await exchange(code)

  const named = await ask('POST', '/users/alice/user-info', { named: true })
  const anonymous = await ask('POST', '/users/alice/user-info')

  t.is(JSON.parse(named.rawData).nickName, '爱丽丝')
  t.is(JSON.parse(anonymous.rawData).nickName, '微信用户')
  for (const info of [named, anonymous]) {
    t.is(
      info.signature,
      createHash('sha1')
        .update(info.rawData + key)
        .digest('hex'),
    )
    t.is(opened(info, key).openId, openid)
  }
})

test('POST /simulator/users/{name}/phone-number: a code for getuserphonenumber, and the older encryptedData', async (t) => {
  const { ask, url, wechat, exchange } = await startSimulator(t)
  const { code } = await ask('POST', '/users/alice/code')
  const { session_key: key } = await exchange(code)
  const { phoneNumber } = await ask('GET', '/users/alice')

  const tap = await ask('POST', '/users/alice/phone-number')

  t.is(opened(tap, key).phoneNumber, phoneNumber)
  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=${wechat.appSecret}`
  const token = JSON.parse(await (await fetch(`${url}/cgi-bin/token?${query}`)).text()).access_token
  const post = { method: 'POST', body: JSON.stringify({ code: tap.code }) }
  const response = await fetch(`${url}/wxa/business/getuserphonenumber?access_token=${token}`, post)
  t.is(JSON.parse(await response.text()).phone_info.phoneNumber, phoneNumber)
  t.is((await ask('POST', '/users/bob/phone-number')).encryptedData, null)
})

test('/simulator/users/{name}/session-key: POST makes another, DELETE ends it, and checksession knows', async (t) => {
  const { ask, url, wechat, exchange } = await startSimulator(t)
  const { code } = await ask('POST', '/users/alice/code')
  const { session_key: first, openid } = await exchange(code)
  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=${wechat.appSecret}`
  const token = JSON.parse(await (await fetch(`${url}/cgi-bin/token?${query}`)).text()).access_token
  const check = async (key: string) => {
    const signature = createHmac('sha256', key).update('').digest('hex')
    const fields = { access_token: token, openid, signature, sig_method: 'hmac_sha256' }
    const response = await fetch(`${url}/wxa/checksession?${new URLSearchParams(fields)}`)
    return JSON.parse(await response.text()).errcode
  }
  t.is(await check(first), 0)

  const { sessionKey: second } = await ask('POST', '/users/alice/session-key')
  t.deepEqual([await check(first), await check(second)], [87009, 0])
  await ask('DELETE', '/users/alice/session-key')
  t.is(await check(second), 87009)
  t.is((await ask('GET', '/users/alice')).sessionKey, null)
})

test('/simulator/tokens: those that are good now; DELETE ends them', async (t) => {
  const { ask, url, wechat } = await startSimulator(t)
  const { appId: appid, appSecret: secret } = wechat
  const fields = { grant_type: 'client_credential', appid, secret }
  const plain = await (await fetch(`${url}/cgi-bin/token?${new URLSearchParams(fields)}`)).text()
  const stable = await fetch(`${url}/cgi-bin/stable_token`, { method: 'POST', body: JSON.stringify(fields) })
  const issued = [plain, await stable.text()].map((text) => JSON.parse(text).access_token)

  const { tokens } = await ask('GET', '/tokens')
  t.deepEqual(
    tokens.map(({ accessToken, kind }: { accessToken: string; kind: string }) => [accessToken, kind]),
    [
      [issued[0], 'token'],
      [issued[1], 'stable_token'],
    ],
  )
  t.true(tokens[0].expiresAt - Date.now() > 7000_000)

  t.deepEqual(await ask('DELETE', '/tokens'), { tokens: [] })
  for (const token of issued) {
    const response = await fetch(`${url}/wxa/checksession?access_token=${token}`)
    t.is(JSON.parse(await response.text()).errcode, 40001)
  }
  t.deepEqual((await ask('GET', '/tokens')).tokens, [])
})

test('POST /simulator/faults: the next call fails, of that path, so often', async (t) => {
  const { ask, exchange, url, control } = await startSimulator(t)
  const path = '/sns/jscode2session'
  const added = await control('POST', '/faults', { fault: { errcode: -1 }, path, times: 2 })
  t.is(added.status, 201)
  t.deepEqual(added.body, { id: 1, fault: { errcode: -1 }, path, times: 2 })

  await fetch(`${url}/cgi-bin/token`)
  t.is((await exchange('x')).errcode, -1)
  t.is((await ask('GET', '/faults')).faults[0].times, 1)
  t.is((await exchange('x')).errcode, -1)
  t.deepEqual(await ask('GET', '/faults'), { faults: [] })
  t.is((await exchange('x')).errcode, 40029)

  for (const fault of ['lost', 'reset']) {
    await ask('POST', '/faults', { fault })
    await t.throwsAsync(exchange('x'))
  }
  await ask('POST', '/faults', { fault: { status: 502, body: 'bad gateway' }, times: 'always' })
  const { id } = await ask('POST', '/faults', { fault: { delay: '1h' } })
  t.is((await ask('GET', '/faults')).faults[1].fault.delay, 3_600_000)
  t.is((await fetch(url + path)).status, 502)
  t.is((await ask('DELETE', `/faults/${id}`)).faults.length, 1)
  t.deepEqual(await ask('DELETE', '/faults'), { faults: [] })
  t.is((await fetch(url + path)).status, 200)
  t.is((await control('DELETE', `/faults/${id}`)).body.error.code, 'ERR_NO_FAULT')
})

test('POST /simulator/clock: time passes, by milliseconds or a text, and codes expire', async (t) => {
  const { ask, exchange } = await startSimulator(t)
  const { code } = await ask('POST', '/users/alice/code')
  const { now } = await ask('GET', '/clock')

  const later = await ask('POST', '/clock', { advance: '5m' })

  t.true(later.now - now >= 300_000)
  t.is(later.ahead, 300_000)
  t.is((await exchange(code)).errcode, 40029)
  t.is((await ask('POST', '/clock', { advance: 1500 })).ahead, 301_500)
})

test('GET /simulator/calls: what was called and answered; after an id, of a path; it waits for one', async (t) => {
  const { ask, exchange } = await startSimulator(t)
  const waiting = ask('GET', '/calls?wait=20&path=/sns/jscode2session')
  await exchange('x'.repeat(32))

  const { calls, last } = await waiting

  t.is(last, 1)
  t.like(calls[0], { id: 1, method: 'GET', path: '/sns/jscode2session', status: 200, errcode: 40029, ms: 0 })
  t.is(calls[0].query.js_code, 'x'.repeat(32))
  t.regex(calls[0].answer, /invalid code/)
  t.deepEqual((await ask('GET', '/calls?after=1')).calls, [])
  t.deepEqual((await ask('GET', '/calls?path=/cgi-bin/token&wait=0.05')).calls, [])
})

test('GET /simulator/calls: the latest 500, each up to 4096 characters of a body', async (t) => {
  const { ask, url } = await startSimulator(t)
  const post = { method: 'POST', body: 'x'.repeat(10_000) }
  for (let i = 0; i < 10; i++)
    await Promise.all(Array.from({ length: 51 }, () => fetch(`${url}/cgi-bin/stable_token`, post)))

  const { calls, last } = await ask('GET', '/calls')

  t.is(last, 510)
  t.deepEqual([calls.length, calls[0].id, calls[0].body.length], [500, 11, 4096])
})

test('GET /simulator/changes: an event when something has changed', async (t) => {
  const { ask, url } = await startSimulator(t)
  const response = await fetch(`${url}/simulator/changes`)
  t.is(response.headers.get('content-type'), 'text/event-stream')
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  const first = await reader?.read()
  t.regex(first?.value ?? '', /^retry: 1000\n\nevent: change\n/)

  await ask('POST', '/users', { name: 'alice' })

  t.is((await reader?.read())?.value, 'event: change\ndata:\n\n')
  await reader?.cancel()
})

test('POST /simulator/reset: everything begins anew, of the same app', async (t) => {
  const simulator = await startSimulator(t)
  const { ask, exchange } = simulator
  const before = simulator.wechat
  const { code } = await ask('POST', '/users/alice/code')
  await ask('POST', '/clock', { advance: '3d' })
  await ask('POST', '/faults', { fault: 'hang', times: 'always' })

  await ask('POST', '/reset')

  t.is((await exchange(code)).errcode, 40029)
  const { ahead } = await ask('GET', '/clock')
  t.is(ahead, 0)
  t.deepEqual(await ask('GET', '/users'), { users: [] })
  t.deepEqual(await ask('GET', '/faults'), { faults: [] })
  t.is((await ask('GET', '/calls')).last, 1)
  t.not(simulator.wechat, before)
  t.is(simulator.wechat.appId, before.appId)
})

test('GET /simulator: it lists what there is, as an unknown path does, and as OpenAPI', async (t) => {
  const { url, control, wechat } = await startSimulator(t)
  const { body: whole } = await control('GET', '')
  t.like(whole, { baseUrl: url, appId: wechat.appId, page: `${url}/` })
  t.true('POST /simulator/users/{name}/code' in whole.routes)

  const { status, body } = await control('GET', '/usres')
  t.deepEqual([status, body.error.code], [404, 'ERR_NOT_FOUND'])
  t.deepEqual(body.routes, whole.routes)

  const { body: api } = await control('GET', '/openapi.json')
  t.is(api.openapi, '3.1.0')
  const operations = Object.entries(api.paths).flatMap(([path, methods]) => {
    return Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
  })
  t.deepEqual(operations.sort(), Object.keys(whole.routes).sort())
})

test('/simulator: what a request gets wrong is said, with a code', async (t) => {
  const { control } = await startSimulator(t)
  const wrong: [string, string, unknown, number, string, RegExp][] = [
    ['PUT', '/users', {}, 405, 'ERR_METHOD', /GET, POST/],
    ['POST', '/users', { nmae: 'x' }, 400, 'ERR_BAD_REQUEST', /body\.nmae is unknown: there is name/],
    ['POST', '/users', { name: '' }, 400, 'ERR_BAD_REQUEST', /body\.name is too short/],
    ['POST', '/users', { name: 'a\nb' }, 400, 'ERR_BAD_REQUEST', /body\.name/],
    ['POST', '/users', [], 400, 'ERR_BAD_REQUEST', /body is not an object/],
    ['POST', '/users', { name: { length: 9 } }, 400, 'ERR_BAD_REQUEST', /body\.name is not a text/],
    ['POST', `/users/${'x'.repeat(65)}/code`, undefined, 400, 'ERR_BAD_REQUEST', /longer than 64/],
    ['POST', '/users/%E0%A4/code', undefined, 404, 'ERR_NOT_FOUND', /./],
    ['POST', '/users//code', undefined, 404, 'ERR_NOT_FOUND', /./],
    ['POST', '/users/bob/session-key', undefined, 404, 'ERR_NO_USER', /"bob"/],
    ['POST', '/users/bob/code', { named: true }, 400, 'ERR_BAD_REQUEST', /body\.named is unknown/],
    ['POST', '/faults', {}, 400, 'ERR_BAD_REQUEST', /body\.fault is missing/],
    ['POST', '/faults', { fault: 'slow' }, 400, 'ERR_BAD_REQUEST', /one of hang, lost/],
    ['POST', '/faults', { fault: 'lost', times: 0 }, 400, 'ERR_BAD_REQUEST', /body\.times/],
    ['POST', '/clock', { advance: -1 }, 400, 'ERR_BAD_REQUEST', /body\.advance/],
    ['POST', '/clock', { advance: '5 minutes' }, 400, 'ERR_BAD_REQUEST', /90s, 5m, 2h, 3d/],
    ['POST', '/clock', { advance: '9999999d' }, 400, 'ERR_BAD_REQUEST', /longer than a year/],
    ['GET', '/calls?wait=31', undefined, 400, 'ERR_BAD_REQUEST', /query\.wait is not from 0 to 30/],
    ['GET', '/calls?since=1', undefined, 400, 'ERR_BAD_REQUEST', /query\.since is unknown/],
    ['GET', '/calls?after=x', undefined, 400, 'ERR_BAD_REQUEST', /query\.after/],
  ]
  for (const [method, path, sent, status, code, message] of wrong) {
    const { body, ...answer } = await control(method, path, sent)
    t.deepEqual([answer.status, body.error?.code], [status, code], `${method} ${path}`)
    t.regex(body.error.message, message)
  }
})

test('/simulator: fifty users at once, each has a login of their own', async (t) => {
  const { ask, exchange } = await startSimulator(t)
  const names = Array.from({ length: 50 }, (_, i) => `user-${i}`)

  const sessions = await Promise.all(
    names.map(async (name) => exchange((await ask('POST', `/users/${name}/code`)).code)),
  )

  const { users } = await ask('GET', '/users')
  t.is(users.length, 50)
  const openIds = new Map(users.map((user: { name: string; openId: string }) => [user.name, user.openId]))
  for (const [i, { openid }] of sessions.entries()) t.is(openid, openIds.get(`user-${i}`))
  t.is(new Set(sessions.map(({ session_key }) => session_key)).size, 50)
})

test('/simulator: a test in the language of the shell, with curl', async (t) => {
  const { url } = await startSimulator(t)
  const script = fileURLToPath(new URL('./control.sh', import.meta.url))

  const { stdout } = await promisify(execFile)('sh', [script, url], { timeout: 20_000 })

  t.is(stdout, 'all is well\n')
})

test('tourist: the mock code of DevTools is let in, as one user, each time with another session_key', async (t) => {
  const mock = 'the code is a mock one'
  const { exchange, ask } = await startSimulator(t, { tourist: true })

  const [first, second] = [await exchange(mock), await exchange(mock)]

  t.is(first.openid, second.openid)
  t.not(first.session_key, second.session_key)
  t.is((await ask('GET', '/users')).users[0].name, 'tourist')
  const { exchange: strictly } = await startSimulator(t)
  t.is((await strictly(mock)).errcode, 40029)
})

test('close(): it ends requests that wait, and again is fine', async (t) => {
  const { url, close } = await startSimulator(t)
  const waiting = [
    controlAt(url)('GET', '/calls?wait=30'),
    fetch(`${url}/simulator/changes`).then((r) => r.text()),
  ]
  const ended = Promise.allSettled(waiting)
  await controlAt(url)('GET', '/app')

  await close()
  await close()

  t.deepEqual(
    (await ended).map(({ status }) => status),
    ['rejected', 'rejected'],
  )
})

function opened({ encryptedData, iv }: Record<string, string>, key: string) {
  const [secret, vector] = [key, iv ?? ''].map((text) => Buffer.from(text, 'base64')) as [Buffer, Buffer]
  const decipher = createDecipheriv('aes-128-cbc', secret, vector)
  return JSON.parse(decipher.update(encryptedData ?? '', 'base64', 'utf8') + decipher.final('utf8'))
}
