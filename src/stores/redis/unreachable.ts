import type { Problem } from '../../util/problem.js'
import type { RedisClient } from './client.js'

/** ms to connect, once. */
const CONNECT_TIMEOUT = 2000

/**
 * Why there is no connection. The store's own client goes on trying and says little, so another one tries once. Of a client
 * that is the caller's, its error is all there is.
 */
export async function whyNot(source: RedisClient | string, error: unknown): Promise<Problem> {
  const reason = reasonOf(typeof source === 'string' ? ((await connectionError(source)) ?? error) : error)
  const fix = FIXES.find(([pattern]) => pattern.test(reason))?.[1] ?? UNKNOWN
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

const FIXES: [RegExp, string][] = [
  [/ECONNREFUSED/, 'Start Redis, or correct the host and the port.'],
  [/ENOTFOUND|EAI_AGAIN/, 'Correct the name of the host, or the DNS of this machine.'],
  [
    /WRONGPASS|NOAUTH|without any password|invalid password/i,
    'Correct the user and the password: redis://user:password@host:6379, percent-encoded.',
  ],
  [/DB index/, 'Choose a database that Redis has: redis://host:6379/0.'],
  [/package 'redis'|Cannot find package/, 'npm install redis'],
  [
    /SSL|TLS|certificate|wrong version number|closed unexpectedly/i,
    'Compare the scheme with the server: rediss:// with TLS, redis:// without.',
  ],
  [
    /timeout|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i,
    'Open the firewall or the security group between this machine and Redis.',
  ],
]
