import type { RedisClient } from './client.js'

/**
 * Whether a server is a replica. One that may not say so (INFO is denied, or unknown) is none; one that does not answer is
 * no server, and that rejects.
 */
export async function isReplica(client: Pick<RedisClient, 'info'>): Promise<boolean> {
  try {
    return /^role:slave/m.test((await client.info?.('replication')) ?? '')
  } catch (error) {
    // What Redis answers begins with a word in capitals; what node-redis says of a connection does not.
    if (error instanceof Error && /^[A-Z]+ /.test(error.message)) return false
    throw error
  }
}
