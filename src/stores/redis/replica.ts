import type { RedisClient } from './client.js'

/** Whether a server is a replica. Where it may not say so (INFO is denied), it is none. */
export async function isReplica(client: Pick<RedisClient, 'info'>): Promise<boolean> {
  const info = await client.info?.('replication').catch(() => '')
  return /^role:slave/m.test(info ?? '')
}
