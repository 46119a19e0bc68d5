/**
 * `node --import=tsx examples/account-binding/main.ts`: two servers that share a store, a simulated WeChat, and two
 * phones of a user who binds an account. Then the servers stay up, for you to try.
 *
 * PORT   of the first server; default 3000
 */
import { randomBytes } from 'node:crypto'
import { memoryStore } from 'koa-weapp-session'
import { createWechat } from 'weapp-simulator'
import { bold, dim } from '../tour/print.js'
import { serve } from '../tour/server.js'
import { createAccounts } from './accounts.js'
import { createApp } from './app.js'
import { type MiniProgram, miniProgram } from './phone.js'

const wechat = createWechat()
const { appId, appSecret, fetch } = wechat
const accounts = createAccounts()
await accounts.add('13800000000', 'correct horse')
await accounts.add('13900000000', 'battery staple')

// Elsewhere these would be processes, and the store redisStore({ url }).
const key = randomBytes(32).toString('base64')
const options = { appId, appSecret, wechat: { fetch }, store: memoryStore(), accounts, key }
const { url } = await serve(createApp(options), Number(process.env.PORT ?? 3000))
const { url: otherUrl } = await serve(createApp(options), 0)

const phone = miniProgram(wechat.phone('小明'), { url, otherUrl })
const tablet = miniProgram(wechat.phone('小明'), { url, otherUrl })

await step('小明 opens the mini program, on a phone and on a tablet', phone, 'GET', '/account')
await step(undefined, tablet, 'GET', '/account')
await step('A wrong password', phone, 'POST', '/bind', { phone: '13800000000', password: 'donkey' })

const known = phone.credential
await step('The right one', phone, 'POST', '/bind', { phone: '13800000000', password: 'correct horse' })
console.log(dim(`  The phone has a new credential: ${phone.credential !== known}`))
await step('The other server knows the account', phone, 'GET', '/account', undefined, otherUrl)

const thief = await globalThis.fetch(`${url}/account`, { headers: { 'Weapp-Session': known ?? '' } })
console.log(`\n${bold('Whoever knew the credential from before, a thief say')}`)
console.log(`  GET /account → ${thief.status} ${thief.headers.get('Weapp-Session-Error')}`)

await step('The tablet logs in again by itself, and knows the account too', tablet, 'GET', '/account')
const second = { phone: '13900000000', password: 'battery staple' }
await step('A second account for the same WeChat user', phone, 'POST', '/bind', second)
await step('小明 unbinds on the tablet: all sessions end', tablet, 'DELETE', '/bind')
await step('The phone logs in again by itself, and has no account any more', phone, 'GET', '/account')

console.log(`\n${bold(`The servers stay up, at ${url} and ${otherUrl}. Try it:`)}`)
const session = `-H 'Weapp-Session: ${phone.credential}'`
console.log(`\n  curl -i ${session} ${otherUrl}/account`)
console.log(`\n  curl -i ${session} ${url}/bind -d '{"phone":"13800000000","password":"correct horse"}'`)
console.log(`\n${dim('Ctrl+C ends it. The code: examples/account-binding')}`)

async function step(
  title: string | undefined,
  program: MiniProgram,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  data?: object,
  server: string = url,
): Promise<void> {
  const { status, body, refusals } = await program.call(method, server + path, data)
  if (title) console.log(`\n${bold(title)}`)
  for (const refusal of refusals) console.log(dim(`  Refused with ${refusal}, so the client logs in`))
  console.log(`  ${method} ${path} → ${status} ${typeof body === 'string' ? body : JSON.stringify(body)}`)
}
