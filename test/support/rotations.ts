import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import type { TestServer } from './server.js'
import { type Visitor, visitor } from './visitor.js'

/** What the servers of tests about rotate() do. */
export async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, path } = ctx
  const { wait, ...values } = ctx.query
  // A token alone says who it is of; all else needs the session.
  if (path !== '/token') await session?.load()
  if (session && Object.keys(values).length > 0) Object.assign(session.data, values)
  await sleep(Number(wait ?? 0))
  if (path === '/rotate') await session?.rotate()
  if (path === '/logout') await session?.destroy()
  ctx.body = path === '/token' ? 'ok' : { data: path === '/logout' ? null : session?.data }
}

export async function loggedIn(server: TestServer, name: string): Promise<Visitor> {
  const somebody = visitor(server, server.wechat.phone(name))
  await somebody.logIn()
  return somebody
}
