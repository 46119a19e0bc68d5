/**
 * A server of the soak, in a process of its own. Says its URL to its parent, then serves:
 *
 *   GET  /                                 { user, data, expires }
 *   GET  /write?field=…&token=…&ms=…       puts the token into that field of `data`, after so many ms
 *   GET  /rotate                           gives the session another credential
 *   GET  /logout                           ends the session
 *   GET  /revoke?user=…                    ends every session of that openId
 *
 * Asked by a message, it measures itself after forced collections, or writes a snapshot of its heap.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeHeapSnapshot } from 'node:v8'
import Koa, { type Context } from 'koa'
import { codeCarrier, headerCarrier, redisStore, weappSession } from '../../src/index.js'
import type { Message, Question } from './messages.js'
import type { ServerSettings } from './settings.js'

const settings: ServerSettings = JSON.parse(process.env.SETTINGS ?? '{}')
const { carrier, cacheMax, keys, options, wechat, store } = settings

const session = weappSession({
  ...options,
  wechat,
  store: redisStore({ ...store, ...(cacheMax !== undefined && { cache: { max: cacheMax } }) }),
  carrier: carrier === 'header' ? headerCarrier({ keys, anonymous: true }) : codeCarrier(),
})
const app = new Koa()
app.silent = true
app.use(answerOutside)
app.use(session)
app.use(answerInside)

process.on('message', (question: Question) => void answerParent(question))
process.on('disconnect', () => process.exit())
// Ours are about the faults. Any other, of listeners that pile up, say, is a finding.
process.on('warning', ({ name, message }) => {
  if (name !== 'WeappSessionWarning') tell({ kind: 'warning', text: `${name}: ${message}` })
})

const server = createServer(app.callback())
// On a busy machine, one would be closed at the moment in which a request is sent over it.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')
tell({ kind: 'url', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })

async function answerOutside(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  if (ctx.path !== '/revoke') return void (await next())
  await session.revoke(String(ctx.query.user))
  ctx.body = {}
}

async function answerInside(ctx: Context): Promise<void> {
  const { $wxSession: session, $wxUserInfo: user } = ctx
  if (session && ctx.path === '/write') {
    await sleep(Number(ctx.query.ms ?? 0))
    session.data[String(ctx.query.field)] = String(ctx.query.token)
  }
  const answer = { user, data: session?.data, expires: session?.expiresAt.getTime() }
  if (ctx.path === '/rotate') await session?.rotate()
  if (ctx.path === '/logout') await session?.destroy()
  ctx.body = answer
}

async function answerParent(question: Question): Promise<void> {
  if (question.kind === 'snapshot') writeHeapSnapshot(question.file)
  await collect()
  const { heapUsed, external } = process.memoryUsage()
  const resources = process.getActiveResourcesInfo()
  const count = (name: string) => resources.filter((each) => each === name).length
  tell({
    kind: 'figures',
    figures: { heap: heapUsed, external, sockets: count('TCPSocketWrap'), timers: count('Timeout') },
  })
}

/** Twice, with a turn between them: what the first one finalizes is garbage in the second. */
async function collect(): Promise<void> {
  for (let collections = 0; collections < 2; collections++) {
    globalThis.gc?.()
    await sleep(50)
  }
}

function tell(message: Message): void {
  process.send?.(message)
}
