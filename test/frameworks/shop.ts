/** What the routes of servers that are not Koa's do with a session, by their names. */
import type { WxSession, WxUserInfo } from 'koa-weapp-session'

/** Puts a key into the session, and gives all that is there. */
export async function put(session: WxSession | null, key: string): Promise<object> {
  if (!session) return {}
  await session.load()
  session.data[key] = true
  return session.data
}

/** Of two requests of a user, each waits until the other has read the session: both take a seat. */
export async function take(
  session: WxSession | null,
  user: WxUserInfo | null,
  seat: string,
): Promise<object> {
  if (!session || !user) return {}
  await session.load()
  session.data.seat = seat
  await bothOf(user.openId)
  return session.data
}

const waiting = new Map<string, () => void>()

async function bothOf(openId: string): Promise<void> {
  const other = waiting.get(openId)
  waiting.delete(openId)
  if (other) return other()
  await new Promise<void>((resolve) => {
    waiting.set(openId, resolve)
  })
}

/** What a handler throws that has nothing to give. */
export function failure(message: string, status = 500): Error {
  return Object.assign(new Error(message), { status, statusCode: status })
}
