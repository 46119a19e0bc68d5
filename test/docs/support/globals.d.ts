/** What the examples of the documents take for granted: their readers have made it a page before. */
import type { IncomingMessage, Server } from 'node:http'
import type Koa from 'koa'
import type { SessionStore, WeappSession } from 'koa-weapp-session'

declare global {
  const app: Koa
  const server: Server
  const session: WeappSession
  const store: SessionStore
  /** Of socket.io, as far as it is used. */
  const io: {
    use(
      check: (
        socket: { request: IncomingMessage; data: Record<string, unknown> },
        next: (error?: Error) => void,
      ) => void,
    ): void
  }
  const appId: string
  const appSecret: string

  /** What a user has typed. */
  const name: string
  const password: string

  /** Of an app's own. */
  interface User {
    openId: string
    nickName?: string
  }
}
