/**
 * `npm run tour`: a server, a simulated WeChat, and a phone that goes through the whole life of a session. Then the
 * server stays up, for you to try.
 *
 * REDIS_URL                   keeps sessions in that Redis, instead of in memory
 * WEAPP_ID and WEAPP_SECRET   talk to the real WeChat, instead of a simulated one
 * PORT                        default 3000
 */
import { memoryStore, redisStore, type SessionStore, weappSession } from 'koa-weapp-session'
import { createWechat, type Phone } from 'weapp-simulator'
import { bold, dim } from './print.js'
import { redisProblem } from './redis.js'
import { createApp, serve } from './server.js'
import { loginHeaders, newCode, tellStory } from './story.js'

/** Seconds that a session lives in the story, so that nobody has to wait for its end. */
const STORY_TTL = 2

const { REDIS_URL, WEAPP_ID, WEAPP_SECRET } = process.env
const port = Number(process.env.PORT ?? 3000)

const problem = await findProblem()
if (problem) {
  console.error(problem)
  process.exit(1)
}

console.log(bold('koa-weapp-session: the life of a session'))
console.log(
  `  sessions  ${REDIS_URL ? `in Redis at ${new URL(REDIS_URL).host}` : `in memory ${dim('(REDIS_URL=redis://… keeps them in Redis)')}`}`,
)
if (WEAPP_ID && WEAPP_SECRET) await withRealWechat(WEAPP_ID, WEAPP_SECRET)
else await withSimulator()

async function findProblem(): Promise<string | undefined> {
  if (Boolean(WEAPP_ID) !== Boolean(WEAPP_SECRET)) {
    return 'The real WeChat needs both WEAPP_ID and WEAPP_SECRET: set the other one too, or neither.'
  }
  if (!WEAPP_ID && process.env.NODE_ENV === 'production') {
    return 'The tour simulates WeChat, which lets anybody in: it does not run with NODE_ENV=production.'
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) return 'PORT must be a number from 0 to 65535.'
  return REDIS_URL === undefined ? undefined : redisProblem(REDIS_URL)
}

function newStore(): SessionStore {
  return REDIS_URL ? redisStore({ url: REDIS_URL }) : memoryStore()
}

async function withSimulator(): Promise<void> {
  const wechat = createWechat()
  const phone = wechat.phone('小明')
  phone.userInfo = 'named'
  console.log(`  WeChat    simulated ${dim('(WEAPP_ID and WEAPP_SECRET for the real one)')}`)

  const { appId, appSecret, fetch } = wechat
  const options = { appId, appSecret, wechat: { fetch } }

  const brief = weappSession({ ...options, store: newStore(), ttl: STORY_TTL })
  const stage = await serve(createApp(brief), 0)
  await tellStory(wechat, phone, stage.url, STORY_TTL)
  stage.server.close()
  await brief.close()

  const session = weappSession({ ...options, store: newStore() })
  const app = createApp(session)
  app.use(async (ctx) => {
    if (ctx.path === '/simulator/code') ctx.body = await newCode(phone)
  })
  const { url } = await serve(app, port)
  await printCurls(url, phone)
}

async function printCurls(url: string, phone: Phone): Promise<void> {
  const headers = await loginHeaders(phone)
  await fetch(`${url}/me`, { headers })
  const session = `-H 'Weapp-Code: ${headers['Weapp-Code']}'`
  const code = `$(curl -s ${url}/simulator/code)`

  console.log(`\n${bold(`The server stays up at ${url}, with sessions that live two hours. Try it:`)}`)
  const lines: [string, string][] = [
    ['no credential: the request goes on, without a user', `curl -i ${url}/me`],
    ['the phone’s session, logged in a moment ago', `curl -i ${session} ${url}/me`],
    ['log in with a fresh code alone', `curl -i -H "Weapp-Code: ${code}" -H 'Weapp-Login: code' ${url}/me`],
    ['a fresh code that nobody logged in with is no session', `curl -i -H "Weapp-Code: ${code}" ${url}/me`],
    ['a route for members', `curl -i ${url}/members`],
    ['log out; then ask for /me once more', `curl -i -X POST ${session} ${url}/logout`],
  ]
  for (const [what, line] of lines) console.log(`\n  ${dim(`# ${what}`)}\n  ${line}`)
  console.log(`\n${dim('Ctrl+C ends it. The code of this tour: examples/tour')}`)
}

async function withRealWechat(appId: string, appSecret: string): Promise<void> {
  const { url } = await serve(createApp(weappSession({ appId, appSecret, store: newStore() })), port)
  console.log(`  WeChat    the real one, for ${appId}`)
  console.log(
    `\n${bold(`The server is up at ${url}.`)} Only a real phone, or WeChat DevTools, has a code for it. There:\n`,
  )
  console.log(`  wx.login({
    success: ({ code }) => wx.request({
      url: '${url}/me',
      header: { 'Weapp-Code': code, 'Weapp-Login': 'code' },
      success: ({ data }) => console.log(data),
    }),
  })`)
  console.log(
    `\n${dim('In DevTools, switch off the check of domains (详情 → 本地设置 → 不校验合法域名). Ctrl+C ends it.')}`,
  )
}
