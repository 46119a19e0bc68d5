import test, { type ExecutionContext } from 'ava'

import type { Wechat } from '../../simulator/src/index.js'
import { exchange, exchangeUrl, logIn, soon, startWechat, until } from './support.js'

// Each fault must look the same to an application, whether it calls through `wechat.fetch` or by real HTTP.
const ways = {
  fetch: async (wechat: Wechat) => ({ fetch: wechat.fetch, base: 'https://api.weixin.qq.com' }),
  http: async (wechat: Wechat) => ({ fetch, base: await wechat.listen() }),
}

for (const [name, way] of Object.entries(ways)) {
  const start = async (t: ExecutionContext) => {
    const wechat = startWechat(t)
    const { fetch, base } = await way(wechat)
    const code = await logIn(wechat.phone())
    const call = (init?: RequestInit) => fetch(exchangeUrl(wechat, code, {}, base), init)
    return { wechat, code, call }
  }

  test(`${name}: an errcode comes with status 200, a rid, and the code is used up`, async (t) => {
    const { wechat, code, call } = await start(t)
    wechat.fail({ errcode: -1 })

    const response = await call()
    const body = JSON.parse(await response.text())

    t.is(response.status, 200)
    t.is(body.errcode, -1)
    t.regex(body.errmsg, /^system error, rid: /)
    t.is((await exchange(wechat, code)).errcode, 40163)
  })

  test(`${name}: an errcode can leave the code as it is, and have another text`, async (t) => {
    const { wechat, code, call } = await start(t)
    wechat.fail({ errcode: 40226, errmsg: 'blocked', consume: false })

    const body = JSON.parse(await (await call()).text())

    t.regex(body.errmsg, /^blocked, rid: /)
    t.is((await exchange(wechat, code)).errcode, undefined)
  })

  test(`${name}: a slow answer comes when its time has come`, async (t) => {
    const { wechat, code, call } = await start(t)
    wechat.fail({ delay: 60_000 })
    let arrived = false

    const answer = call().then((response) => {
      arrived = true
      return response.text()
    })
    await until(() => wechat.exchanges === 1)
    await soon()

    t.false(arrived)
    t.is((await exchange(wechat, code)).errcode, 40163)
    wechat.clock.advance(60_000)
    t.truthy(JSON.parse(await answer).openid)
  })

  test(`${name}: a call that hangs ends with its own deadline, and the code is used up`, async (t) => {
    const { wechat, code, call } = await start(t)
    const deadline = new AbortController()
    wechat.fail('hang')

    const hanging = call({ signal: deadline.signal })
    await until(() => wechat.exchanges === 1)
    deadline.abort()

    await t.throwsAsync(hanging, { any: true, name: 'AbortError' })

    t.is((await exchange(wechat, code)).errcode, 40163)
  })

  test(`${name}: a call that hangs fails when the simulator closes`, async (t) => {
    const { wechat, call } = await start(t)
    wechat.fail('hang')

    const hanging = t.throwsAsync(call(), { instanceOf: TypeError, message: 'fetch failed' })
    await until(() => wechat.exchanges === 1)
    await wechat.close()

    await hanging
  })

  test(`${name}: a lost answer has used the code up`, async (t) => {
    const { wechat, code, call } = await start(t)
    wechat.fail('lost')

    const error = await t.throwsAsync(call(), { instanceOf: TypeError, message: 'fetch failed' })

    t.like(error?.cause, { code: 'UND_ERR_SOCKET' })
    t.is((await exchange(wechat, code)).errcode, 40163)
  })

  test(`${name}: a connection that is reset leaves the code as it is`, async (t) => {
    const { wechat, code, call } = await start(t)
    wechat.fail('reset')

    const error = await t.throwsAsync(call(), { instanceOf: TypeError, message: 'fetch failed' })

    t.like(error?.cause, { code: 'ECONNRESET' })
    t.is((await exchange(wechat, code)).errcode, undefined)
  })

  test(`${name}: a gateway answers with a page`, async (t) => {
    const { wechat, call } = await start(t)
    wechat.fail({ status: 502 })
    wechat.fail({ status: 200, body: 'not JSON' })

    const badGateway = await call()
    const notJson = await call()

    t.is(badGateway.status, 502)
    t.is(badGateway.headers.get('content-type'), 'text/html')
    t.regex(await badGateway.text(), /^<html>/)
    t.is(notJson.status, 200)
    t.is(await notJson.text(), 'not JSON')
    t.truthy(JSON.parse(await (await call()).text()).openid)
  })

  test(`${name}: JSON can be truncated`, async (t) => {
    const { wechat, call } = await start(t)
    wechat.fail('truncated')

    const text = await (await call()).text()

    t.regex(text, /^\{"session_key"/)
    t.throws(() => JSON.parse(text), { instanceOf: SyntaxError })
  })

  test(`${name}: a success can lack what makes it one`, async (t) => {
    const { wechat, call } = await start(t)
    wechat.fail('withoutOpenId')

    const withoutOpenId = JSON.parse(await (await call()).text())

    t.deepEqual(Object.keys(withoutOpenId), ['session_key'])
  })
}

test('a success can lack the session_key', async (t) => {
  const wechat = startWechat(t)
  wechat.fail('withoutSessionKey')

  const body = await exchange(wechat, await logIn(wechat.phone()))

  t.deepEqual(Object.keys(body), ['openid'])
})

test('faults come in order, as often as asked, and only where asked', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const errcode = async () => (await exchange(wechat, await logIn(phone))).errcode
  wechat.fail({ errcode: 1 }, { path: '/cgi-bin/token' })
  wechat.fail({ errcode: 45009 }, { times: 2 })
  wechat.fail({ errcode: 40164 })

  t.deepEqual(
    [await errcode(), await errcode(), await errcode(), await errcode()],
    [45009, 45009, 40164, undefined],
  )
})

test('a fault can be withdrawn', async (t) => {
  const wechat = startWechat(t)
  const phone = wechat.phone()
  const recover = wechat.fail({ errcode: 45009 }, { times: Number.POSITIVE_INFINITY })

  t.is((await exchange(wechat, await logIn(phone))).errcode, 45009)
  recover()
  t.is((await exchange(wechat, await logIn(phone))).errcode, undefined)
})

test('a call that is aborted before it is made never arrives', async (t) => {
  const wechat = startWechat(t)

  await t.throwsAsync(wechat.fetch(exchangeUrl(wechat, 'code'), { signal: AbortSignal.abort() }), {
    any: true,
    name: 'AbortError',
  })

  t.deepEqual(wechat.calls, [])
})
