import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Context } from 'koa'
import {
  createSession,
  isSessionError,
  type Session,
  type SessionError,
  type SessionOptions,
} from '../../../client/src/index.js'
import type { Phone } from '../../../simulator/src/index.js'
import { startServer, type TestServer, type TestServerOptions } from '../../support/server.js'
import { namedPhone } from '../../support/wechat.js'

export interface Callbacks {
  success(result: unknown): void
  fail(error: SessionError): void
  complete(outcome: unknown): void
}

/** Makes a call that must succeed: told to success, then complete, then the promise, and to nobody else. */
export async function succeeds<Result>(
  t: ExecutionContext,
  call: (callbacks: Callbacks) => PromiseLike<Result>,
): Promise<Result> {
  const { heard, told, callbacks } = listening()
  const promise = call(callbacks)
  t.deepEqual(heard, [])
  const result = await promise
  await silence()
  t.deepEqual(heard, ['success', 'complete'])
  t.true(told.every((value) => value === result))
  return result
}

/** Makes a call that must fail: told to fail, then complete, then the promise, and to nobody else. */
export async function fails(
  t: ExecutionContext,
  call: (callbacks: Callbacks) => PromiseLike<unknown>,
): Promise<SessionError> {
  const { heard, told, callbacks } = listening()
  const error: unknown = await Promise.resolve(call(callbacks)).then(
    (result) => t.fail(`success: ${JSON.stringify(result)}`),
    (error: unknown) => error,
  )
  await silence()
  t.deepEqual(heard, ['fail', 'complete'])
  t.true(told.every((value) => value === error))
  t.true(isSessionError(error), `${error}`)
  return error as SessionError
}

export function listening(): { heard: string[]; told: unknown[]; callbacks: Callbacks } {
  const heard: string[] = []
  const told: unknown[] = []
  const hear = (what: string) => (value: unknown) => {
    heard.push(what)
    told.push(value)
  }
  return {
    heard,
    told,
    callbacks: { success: hear('success'), fail: hear('fail'), complete: hear('complete') },
  }
}

/** Gives what must not come the time to come. */
export function silence(): Promise<void> {
  return sleep(20)
}

export interface Started {
  session: Session
  phone: Phone
  /** The headers of every request that arrived. */
  heard: IncomingHttpHeaders[]
  url: string
}

/** The real server, and a session on a phone of alice. */
export async function start(
  t: ExecutionContext,
  options: TestServerOptions = {},
  sessionOptions: SessionOptions = {},
): Promise<Started & Pick<TestServer, 'wechat'> & { server: TestServer['session'] }> {
  const heard: IncomingHttpHeaders[] = []
  // The first who is asked about each request.
  const ignore = (ctx: Context) => {
    heard.push(ctx.headers)
    return false
  }
  const { url, wechat, session: server } = await startServer(t, { ignore, ...options })
  const phone = namedPhone(wechat, 'alice')
  const session = createSession({ baseUrl: url, wx: phone.wx, profile: 'userInfo', ...sessionOptions })
  return { session, phone, heard, url, wechat, server }
}
