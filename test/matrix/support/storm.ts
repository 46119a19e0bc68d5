import type { ExecutionContext } from 'ava'
import type { Scene } from './server.js'

/** What one request through a library came to: its status, and who the server says that it was. */
export interface Came {
  status: number
  openId: unknown
}

const AT_START = 50
const IN_MID_EXPIRY = 20

/**
 * The proof for every library: 50 requests at once at start, and 20 in whose middle the server ends the session: all in.
 * `clients`: how many send them, each with a login of its own.
 */
export async function storm(
  t: ExecutionContext,
  scene: Scene,
  send: () => PromiseLike<Came>,
  clients = 1,
): Promise<void> {
  const { phone, statuses } = scene

  const start = await atOnce(AT_START, send)
  t.log(`at start: ${inOf(start, scene)} of ${AT_START} in, ${phone.counts.login} wx.login`)
  t.is(inOf(start, scene), AT_START, saidBy(start))
  t.is(phone.counts.login, clients)

  scene.endSessionAt(IN_MID_EXPIRY / 2)
  const later = await atOnce(IN_MID_EXPIRY, send)
  const refused = statuses.get(401) ?? 0
  t.log(`in mid-expiry: ${inOf(later, scene)} of ${IN_MID_EXPIRY} in, ${refused} refused before`)
  t.is(inOf(later, scene), IN_MID_EXPIRY, saidBy(later))
  t.true(refused > 0)
  t.is(phone.counts.login, 2 * clients)
}

export function atOnce(count: number, send: () => PromiseLike<Came>): Promise<PromiseSettledResult<Came>[]> {
  return Promise.allSettled(Array.from({ length: count }, send))
}

/** How many were answered, to the right user. */
export function inOf(results: PromiseSettledResult<Came>[], { phone }: Scene): number {
  return results.filter(
    (result) =>
      result.status === 'fulfilled' &&
      result.value.status === 200 &&
      result.value.openId === phone.user.openId,
  ).length
}

/** What the others said, each once. */
export function saidBy(results: PromiseSettledResult<Came>[]): string {
  const said = results.map((result) =>
    result.status === 'fulfilled' ? JSON.stringify(result.value) : textOf(result.reason),
  )
  return [...new Set(said)].join('\n')
}

function textOf(reason: unknown): string {
  const { message, errMsg } = Object(reason)
  return String(message ?? errMsg ?? JSON.stringify(reason))
}
