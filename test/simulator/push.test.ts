/** Messages and events that WeChat sends to a server (消息推送). */
import { createDecipheriv, createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { createWechat } from '../../simulator/src/index.js'
import { callsOf } from './calls.js'
import { exchange, logIn, read, startServer, startWechat, until } from './support.js'

const TOKEN = 'AAAAA'
const KEY = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG'

interface Delivery {
  method: string
  query: Record<string, string>
  contentType: string
  body: string
}

/** A server that remembers what was delivered. */
async function startReceiver(
  t: ExecutionContext,
  answer: (delivery: Delivery, response: ServerResponse) => unknown = (_, response) =>
    response.end('success'),
) {
  const deliveries: Delivery[] = []
  const url = await startServer(t, async (request: IncomingMessage, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    const delivery = {
      method: request.method ?? '',
      query: Object.fromEntries(searchParams),
      contentType: request.headers['content-type'] ?? '',
      body: await read(request),
    }
    deliveries.push(delivery)
    answer(delivery, response)
  })
  return { url: `${url}/events`, deliveries }
}

function sha1(...texts: (string | undefined)[]): string {
  return createHash('sha1').update(texts.sort().join('')).digest('hex')
}

test('push.verify(): the server has to give echostr back', async (t) => {
  const wechat = startWechat(t)
  const right = await startReceiver(t, ({ query }, response) => response.end(query.echostr))
  const wrong = await startReceiver(t, (_, response) => response.end('ok'))

  t.true(await wechat.push({ url: right.url, token: TOKEN }).verify())
  t.false(await wechat.push({ url: wrong.url, token: TOKEN }).verify())
  t.false(await wechat.push({ url: 'http://127.0.0.1:9/', token: TOKEN }).verify())

  const [{ method, query } = { method: '', query: {} as Record<string, string> }] = right.deliveries
  t.is(method, 'GET')
  t.is(query.signature, sha1(TOKEN, query.timestamp, query.nonce))
})

test('push.revoke(): plain JSON, signed', async (t) => {
  const wechat = startWechat(t)
  const { url, deliveries } = await startReceiver(t)
  const { openId } = wechat.user('alice')

  const result = await wechat.push({ url, token: TOKEN }).revoke('alice', ['6', '8'])

  t.deepEqual(result, { isAccepted: true, attempts: 1, status: 200, body: 'success' })
  const [{ query, contentType, body }] = deliveries as [Delivery]
  t.is(contentType, 'application/json')
  t.is(query.openid, openId)
  t.is(query.signature, sha1(TOKEN, query.timestamp, query.nonce))
  t.like(JSON.parse(body), {
    FromUserName: openId,
    MsgType: 'event',
    Event: 'user_authorization_revoke',
    OpenID: openId,
    AppID: wechat.appId,
    RevokeInfo: '6,8',
  })
})

for (const mode of ['compatible', 'safe'] as const) {
  test(`push.modify(): mode ${mode}, encrypted by AES with blocks of 32 bytes`, async (t) => {
    const wechat = startWechat(t)
    const { url, deliveries } = await startReceiver(t)

    await wechat.push({ url, token: TOKEN, encodingAesKey: KEY, mode }).modify('alice')

    const [{ query, body }] = deliveries as [Delivery]
    const { Encrypt, ...rest } = JSON.parse(body)
    t.is(query.encrypt_type, 'aes')
    t.is(query.msg_signature, sha1(TOKEN, query.timestamp, query.nonce, Encrypt))
    t.is(rest.Event, mode === 'safe' ? undefined : 'user_info_modified')
    const { text, appId } = decrypt(Encrypt)
    t.is(appId, wechat.appId)
    t.like(JSON.parse(text), { Event: 'user_info_modified', OpenID: wechat.user('alice').openId })
  })
}

test('push.send(): any message, as XML too', async (t) => {
  const wechat = startWechat(t)
  const { url, deliveries } = await startReceiver(t)
  const push = wechat.push({ url, token: TOKEN, format: 'xml' })

  await push.send('alice', { MsgType: 'text', Content: 'a ]]> b', MsgId: 7 })

  const [{ contentType, body }] = deliveries as [Delivery]
  t.is(contentType, 'text/xml')
  t.regex(body, /^<xml><ToUserName><!\[CDATA\[gh_\w{12}\]\]><\/ToUserName>/)
  t.regex(body, /<CreateTime>\d{10}<\/CreateTime>/)
  t.true(body.includes('<Content><![CDATA[a ]]]]><![CDATA[> b]]></Content><MsgId>7</MsgId></xml>'))
})

test('push.send(): what is not answered within 5 s is sent three times', async (t) => {
  const wechat = startWechat(t)
  const { url, deliveries } = await startReceiver(t, () => {})

  const sent = wechat.push({ url, token: TOKEN }).send('alice', { MsgType: 'text' })
  for (const times of [1, 2, 3]) {
    await until(() => deliveries.length === times)
    wechat.clock.advance(5000)
  }

  t.deepEqual(await sent, { isAccepted: false, attempts: 3 })
  // The same message: a server can tell.
  t.is(new Set(deliveries.map(({ body, query }) => body + query.nonce)).size, 1)
})

test('push.send(): a server’s error is followed by another attempt', async (t) => {
  const wechat = startWechat(t)
  let count = 0
  const { url } = await startReceiver(t, (_, response) => {
    count += 1
    response.writeHead(count < 3 ? 500 : 200).end()
  })

  const result = await wechat.push({ url, token: TOKEN }).modify('alice')

  t.like(result, { isAccepted: true, attempts: 3, status: 200 })
})

test('push.cancel(): the user’s session_key and codes end', async (t) => {
  const wechat = startWechat(t)
  const { url, deliveries } = await startReceiver(t)
  const { get, signed } = await callsOf(wechat)
  const phone = wechat.phone('alice')
  const { openid, session_key } = await exchange(wechat, await logIn(phone))
  const code = await logIn(phone)

  await wechat.push({ url, token: TOKEN }).cancel('alice')

  t.like(JSON.parse(deliveries[0]?.body ?? ''), { Event: 'user_authorization_cancellation' })
  t.is((await get('/wxa/checksession', await signed(String(openid), session_key))).errcode, 40003)
  t.is((await exchange(wechat, code)).errcode, 40029)
  t.is((await exchange(wechat, await logIn(phone))).openid, openid)
})

test('wechat.push(): a key that is none is refused at once', (t) => {
  const wechat = startWechat(t)

  for (const encodingAesKey of ['short', `${KEY}=`]) {
    t.throws(() => wechat.push({ url: 'http://127.0.0.1', token: TOKEN, encodingAesKey, mode: 'safe' }), {
      instanceOf: TypeError,
      message: /encodingAesKey must be 43 letters and digits/,
    })
  }
})

test('wechat.close(): a push that waits ends', async (t) => {
  const wechat = createWechat()
  const { url, deliveries } = await startReceiver(t, () => {})
  const sent = wechat.push({ url, token: TOKEN }).modify('alice')
  await until(() => deliveries.length === 1)

  await wechat.close()

  t.deepEqual(await sent, { isAccepted: false, attempts: 1 })
})

test('component.push(): the ticket, and what the owner decides, in encrypted XML', async (t) => {
  const wechat = startWechat(t)
  const { component } = wechat
  const { url, deliveries } = await startReceiver(t)
  const push = component.push({ url, token: TOKEN, encodingAesKey: KEY })

  await push.ticket()
  await push.authorize()
  await push.unauthorize()

  const infos = deliveries.map(({ query, body }) => {
    const [, encrypted = ''] = /<Encrypt><!\[CDATA\[(.+)\]\]>/.exec(body) ?? []
    t.true(body.startsWith(`<xml><AppId><![CDATA[${component.appId}]]></AppId><Encrypt>`))
    t.is(query.msg_signature, sha1(TOKEN, query.timestamp, query.nonce, encrypted))
    const { text, appId } = decrypt(encrypted)
    t.is(appId, component.appId)
    return text
  })
  t.true(infos[0]?.includes(`<ComponentVerifyTicket><![CDATA[${component.verifyTicket}]]>`))
  t.regex(
    infos[1] ?? '',
    /<InfoType><!\[CDATA\[authorized\]\]>.*<AuthorizationCode><!\[CDATA\[queryauthcode@@@\w{64}\]\]>/,
  )
  t.true(infos[2]?.includes(`<AuthorizerAppid><![CDATA[${wechat.appId}]]>`))
  t.throws(() => component.push({ url, token: TOKEN, encodingAesKey: '' }), { instanceOf: TypeError })
})

/** As WeChat's page tells servers to. */
function decrypt(encrypted: string): { text: string; appId: string } {
  const key = Buffer.from(`${KEY}=`, 'base64')
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(encrypted, 'base64'), decipher.final()])
  const plain = padded.subarray(0, padded.length - (padded.at(-1) ?? 0))
  const end = 20 + plain.readUInt32BE(16)
  return { text: plain.subarray(20, end).toString(), appId: plain.subarray(end).toString() }
}
