import type { Problem } from '../../util/problem.js'
import type { RedisClient } from './client.js'
import { troubleOf, withoutArguments } from './trouble.js'

/** ms to connect, once. */
const CONNECT_TIMEOUT = 2000

/**
 * Why there is no connection. The store's own client goes on trying and says little, so another one tries once. Of a client
 * that is the caller's, its error is all there is.
 */
export async function whyNot(source: RedisClient | string, error: unknown): Promise<Problem> {
  const reason = reasonOf(
    withoutArguments(typeof source === 'string' ? ((await connectionError(source)) ?? error) : error),
  )
  const fix = troubleOf(reason)?.fix ?? UNKNOWN
  return { code: 'WEAPP_REDIS', message: `Redis cannot be used: ${reason}.`, fix }
}

async function connectionError(url: string): Promise<unknown> {
  try {
    const { createClient } = await import('redis')
    const client = createClient({
      url,
      maintNotifications: 'disabled',
      socket: { reconnectStrategy: false, connectTimeout: CONNECT_TIMEOUT, socketTimeout: CONNECT_TIMEOUT },
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return undefined
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
