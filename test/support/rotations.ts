import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'koa'
import type { TestServer } from './server.js'
import { type Visitor, visitor } from './visitor.js'

/** Where a request stops, with its session loaded and its data changed, until it is let go. */
export interface Gate {
  /** For the query of the request. */
  query: string
  /** Resolves when the request is there. */
  reached: Promise<void>
  open(): void
}

interface Halves {
  arrive(): void
  opened: Promise<void>
}

const gates = new Map<string, Halves>()

export function gate(): Gate {
  const id = randomUUID()
  let arrive = () => {}
  let open = () => {}
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  gates.set(id, { arrive, opened })
  return { query: `gate=${id}`, reached, open }
}

/** What the servers of tests about rotate() do. */
export async function serve(ctx: Context): Promise<void> {
  const { $wxSession: session, path } = ctx
  const { wait, gate: id, ...values } = ctx.query
  // A token alone says who it is of; all else needs the session.
  if (path !== '/token') await session?.load()
  if (session && Object.keys(values).length > 0) Object.assign(session.data, values)
  await sleep(Number(wait ?? 0))
  const stop = gates.get(String(id))
  stop?.arrive()
  await stop?.opened
  if (path === '/rotate') await session?.rotate()
  if (path === '/logout') await session?.destroy()
  ctx.body = path === '/token' ? 'ok' : { data: path === '/logout' ? null : session?.data }
}

export async function loggedIn(server: TestServer, name: string): Promise<Visitor> {
  const somebody = visitor(server, server.wechat.phone(name))
  await somebody.logIn()
  return somebody
}
