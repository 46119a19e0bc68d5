import test, { type ExecutionContext } from 'ava'
import type { Context } from 'koa'
import type { Phone } from '../../simulator/src/index.js'
import { type Carrier, codeCarrier, cookieCarrier, headerCarrier, requireWxUser } from '../../src/index.js'
import { jwtCarrier } from '../../src/jwt/index.js'
import { startServer, type TestServer } from '../support/server.js'
import { startWechat } from '../support/wechat.js'
import { filled, matches, matchesJson, type Names, parseMessage, send } from './support/http.js'
import { type Block, readPage } from './support/markdown.js'

const KEYS = 'a secret of the tests, of 32 bytes or more'

/** Which server an example talks to: that of the heading above it. */
const CARRIERS: Record<string, () => Carrier> = {
  'The header carrier': () => headerCarrier({ keys: KEYS }),
  'The cookie carrier': () => cookieCarrier({ keys: KEYS }),
  Guests: () => cookieCarrier({ keys: KEYS, anonymous: true }),
  'The jwt carrier': () => jwtCarrier({ keys: KEYS }),
}

const { blocks } = readPage('docs/protocol.md')
const messages = blocks.filter(({ lang }) => lang === 'http')

test('docs/protocol.md: the examples are pairs of a request and its response', (t) => {
  t.true(messages.length >= 60)
  for (const [i, { text, where }] of messages.entries()) {
    t.is(/^HTTP\/1\.1 \d{3} /.test(text), i % 2 === 1, where)
  }
})

test('docs/protocol.md: the server answers each of its requests as it is printed there', async (t) => {
  const servers = new Map<string, Scene>()
  for (let i = 0; i < messages.length; i += 2) {
    const [asked, answered] = [messages[i], messages[i + 1]] as [Block, Block]
    const carrier = asked.under in CARRIERS ? asked.under : 'The code carrier'
    const scene = servers.get(carrier) ?? (await newScene(t, CARRIERS[carrier]?.() ?? codeCarrier()))
    servers.set(carrier, scene)
    await replay(t, scene, asked, answered)
  }
})

interface Scene extends TestServer {
  phone: Phone
  names: Names
}

async function newScene(t: ExecutionContext, carrier: Carrier): Promise<Scene> {
  const weixin = startWechat(t)
  const phone = weixin.phone('小明')
  phone.userInfo = 'named'
  const members = requireWxUser()
  const server = await startServer(t, {
    weixin,
    carrier,
    loginPath: '/login',
    async handler(ctx: Context) {
      const { $wxSession: session } = ctx
      if (ctx.path === '/broken') throw new Error('of the handler')
      if (ctx.path === '/rotate') await session?.rotate()
      if (ctx.path === '/conflict') {
        await session?.destroy()
        await session?.getPhoneNumber('a-code')
      }
      ctx.body = { user: ctx.$wxUserInfo }
      if (ctx.path === '/members') await members(ctx, async () => {})
    },
  })
  return { ...server, phone, names: new Map() }
}

async function replay(t: ExecutionContext, scene: Scene, asked: Block, answered: Block): Promise<void> {
  const { names, phone, wechat, url } = scene
  const [, errcode] = /wechat=(-?\d+)/.exec(asked.note) ?? []
  if (errcode) wechat.fail({ errcode: Number(errcode) })
  await learn(asked.text, phone, names)
  const printed = parseMessage(answered.text)

  const answer = await send(url, parseMessage(filled(asked.text, names)))

  t.is(answer.first, printed.first, answered.where)
  for (const [name, value] of printed.headers) {
    const found = [answer.headers[name.toLowerCase()] ?? []].flat().join(', ')
    t.true(matches(value, found, names), `${answered.where}: ${name} is ${found}`)
  }
  t.true(matchesJson(printed.body, answer.body, names), `${answered.where}: ${JSON.stringify(answer.body)}`)
}

/** Lets the phone make what a request has of it: each code is another login. */
async function learn(text: string, phone: Phone, names: Names): Promise<void> {
  for (const [, code = ''] of text.matchAll(/\{(code\d?)\}/g)) {
    if (names.has(code)) continue
    names.set(code, await new Promise((done) => phone.wx.login({ success: ({ code }) => done(code) })))
    const { rawData, signature } = await new Promise<{ rawData: string; signature: string }>((done) =>
      phone.wx.getUserInfo({ success: done }),
    )
    names.set('rawData', encodeURIComponent(rawData))
    names.set('signature', signature)
  }
}
