import { warn } from '../../util/warn.js'
import type { RedisClient } from './client.js'
import { mastersOf } from './masters.js'

/**
 * Warns once if Redis throws keys away when it is full, and says what that breaks. It asks with INFO, because most
 * providers deny CONFIG. Where INFO is denied too, there is no warning.
 */
export async function warnOfEviction(client: RedisClient): Promise<void> {
  const policy = (await policies(client).catch(() => [])).find((policy) => policy !== 'noeviction')
  if (policy === undefined) return
  warn(
    'WEAPP_REDIS_EVICTION',
    `Redis has maxmemory-policy ${policy}: when it is full, it forgets sessions, so users are logged out, and the ` +
      'lists of the sessions of users, so that revoke() does not find what it has to end. Set it to noeviction.',
  )
}

async function policies(client: RedisClient): Promise<string[]> {
  const masters = await mastersOf(client)
  const infos = await Promise.all(masters.map((master) => master.info?.('memory')))
  return infos.flatMap((info) => /^maxmemory_policy:([\w-]+)/m.exec(info ?? '')?.[1] ?? [])
}
