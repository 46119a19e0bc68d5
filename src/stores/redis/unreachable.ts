import type { Problem } from '../../util/problem.js'
import { loadRedis } from './load.js'
import { isOfHello, troubleOf, withoutArguments } from './trouble.js'

/** ms to connect, once. */
const CONNECT_TIMEOUT = 2000

/**
 * Why there is no connection. The store's own client goes on trying and says little, so another one tries once. Of a client
 * that is the caller's, its error is all there is.
 */
export async function whyNot(url: string | undefined, error: unknown): Promise<Problem> {
  const reason = reasonOf(
    withoutArguments(url === undefined ? error : ((await connectionError(url)) ?? error)),
  )
  const fix = troubleOf(reason)?.fix ?? UNKNOWN
  return { code: 'WEAPP_REDIS', message: `Redis cannot be used: ${reason}.`, fix }
}

async function connectionError(url: string, RESP: 2 | 3 = 3): Promise<unknown> {
  try {
    const { createClient } = await loadRedis()
    const client = createClient({
      url,
      RESP,
      maintNotifications: 'disabled',
      socket: { reconnectStrategy: false, connectTimeout: CONNECT_TIMEOUT, socketTimeout: CONNECT_TIMEOUT },
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return undefined
    } catch (error) {
      return RESP === 3 && isOfHello(error) ? connectionError(url, 2) : error
    } finally {
      if (client.isOpen) client.destroy()
    }
  } catch (error) {
    return error
  }
}

/** One line. Where a name has several addresses, Node's error has several errors, and no message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0]?.replace(/\.$/, '').slice(0, 200) ?? ''
}

const UNKNOWN = 'Connect with redis-cli -u and the same URL, from this machine.'
