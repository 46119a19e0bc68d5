/** Servers that log users in: each request brings a code of its own, and what WeChat signed. */
import { createHash } from 'node:crypto'
import { Agent, get } from 'node:http'
import Koa from 'koa'
import { type Carrier, codeCarrier, headerCarrier, redisStore, weappSession } from 'koa-weapp-session'
import { type Candidate, connect, NO_TIMER, type Setting, sourceOf } from './candidates.js'
import { APP_ID, APP_SECRET, CODE, KEY, SESSION_KEY, signed } from './sessions.js'

const headersOf = (n: number) => ({ 'X-WX-Code': CODE, ...signed(n) })

export const LOGINS: Record<string, Candidate> = {
  loginFloor: {
    title: 'Koa + keep-alive exchange + SHA-1 + one SET',
    kind: 'limit',
    headersOf,
    async serve({ redisUrl, wechatUrl }) {
      const client = await connect(redisUrl, NO_TIMER)
      const agent = new Agent({ keepAlive: true })
      const app = new Koa()
      app.use(async (ctx) => {
        const code = ctx.get('X-WX-Code')
        const { openid, unionid, session_key } = JSON.parse(
          await answerOf(
            `${wechatUrl}/sns/jscode2session?appid=${APP_ID}&secret=s&js_code=${code}&grant_type=authorization_code`,
            agent,
          ),
        )
        const rawData = decodeURIComponent(ctx.get('X-WX-RawData'))
        const signature = createHash('sha1')
          .update(rawData + session_key)
          .digest('hex')
        if (signature !== ctx.get('X-WX-Signature')) return ctx.throw(401)
        const user = { ...JSON.parse(rawData), openId: openid, unionId: unionid }
        const value = JSON.stringify({ user, sessionKey: SESSION_KEY })
        await client.set(`floor:${code}`, value, { expiration: { type: 'EX', value: 7200 } })
        ctx.body = { user }
      })
      return app.callback()
    },
  },
  loginCode: ours('this, code carrier', () => codeCarrier()),
  loginHeader: ours('this, header carrier', () => headerCarrier({ keys: [KEY] })),
  loginRoom: ours('this, code carrier, an older session makes room', () => codeCarrier(), 1),
}

/** In a place of its own in Redis: a user who has logged in ten times costs more, because a session has to make room. */
function ours(title: string, carrier: () => Carrier, maxSessionsPerUser = 10): Candidate {
  return {
    title,
    kind: 'ours',
    headersOf,
    async serve({ redisUrl, wechatUrl }: Setting) {
      const app = new Koa()
      app.use(
        weappSession({
          appId: APP_ID,
          appSecret: APP_SECRET,
          carrier: carrier(),
          maxSessionsPerUser,
          store: redisStore({ ...sourceOf(redisUrl), prefix: `${process.pid}:` }),
          wechat: { baseUrl: wechatUrl },
        }),
      )
      app.use((ctx) => {
        ctx.body = { user: ctx.$wxUserInfo }
      })
      return app.callback()
    },
  }
}

function answerOf(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    }).on('error', reject)
  })
}
