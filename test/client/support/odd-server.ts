import type { IncomingHttpHeaders } from 'node:http'
import type { ExecutionContext, TestFn } from 'ava'
import Koa, { type Context } from 'koa'
import { createSession, type SessionOptions } from '../../../client/src/index.js'
import { memoryStore, type SessionStore } from '../../../src/index.js'
import { listen } from '../../support/server.js'
import { startWechat } from '../../support/wechat.js'
import type { Started } from './client-calls.js'

/** Asserts at the end of a file that every error in it was somebody's. */
export function nothingIsLeftUncaught(test: TestFn): void {
  /** Everything that nobody caught while this file ran. */
  const uncaught: unknown[] = []

  test.before(() => {
    process.on('unhandledRejection', (error) => uncaught.push(error))
    process.on('uncaughtException', (error) => uncaught.push(error))
  })

  test.after('whatever happened, nothing was left uncaught', (t) => {
    t.deepEqual(uncaught, [])
  })
}

/** A server that is not ours, or an older one, and a session on a phone. `n` counts the requests. */
export async function startOdd(
  t: ExecutionContext,
  handler: (ctx: Context, n: number) => void | Promise<void>,
  sessionOptions: SessionOptions = {},
): Promise<Started> {
  const heard: IncomingHttpHeaders[] = []
  const app = new Koa()
  app.silent = true
  app.use((ctx) => handler(ctx, heard.push(ctx.headers)))
  const url = await listen(t, app)
  const phone = startWechat(t).phone()
  const session = createSession({ baseUrl: url, wx: phone.wx, ...sessionOptions })
  return { session, phone, heard, url }
}

export function isLogin(headers: IncomingHttpHeaders): boolean {
  return ['weapp-rawdata', 'weapp-login', 'x-wx-rawdata', 'x-wx-login'].some((name) => name in headers)
}

export function codeOf(headers: IncomingHttpHeaders): string | undefined {
  return (headers['weapp-code'] ?? headers['x-wx-code']) as string | undefined
}

/** A store whose next reads can be made to fail. */
export function failingStore(): SessionStore & { failReads(times: number): void } {
  const store = memoryStore()
  let left = 0
  return {
    ...store,
    async read(id) {
      if (left-- > 0) throw new Error('the store is away')
      return store.read(id)
    },
    failReads(times) {
      left = times
    },
  }
}

/** For a handler that never answers. */
export function forever(): Promise<void> {
  return new Promise(() => {})
}
