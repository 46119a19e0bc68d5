import type { RedisClient } from './client.js'
import { isCluster } from './cluster.js'

/** Sends a command to the master of a key: to a cluster, or to a sentinel. */
type Send = (key: string, args: string[]) => Promise<unknown>

export function isSentinel(client: RedisClient): boolean {
  return 'getMasterNode' in client
}

/**
 * The same client, whose reads go where its writes go. With `useReplicas`, node-redis reads from replicas, which do not
 * know yet who has just logged in, and still know who has just logged out.
 */
export function readsOfMasters(client: RedisClient): RedisClient {
  const send = sender(client)
  if (!send) return client
  return Object.assign(Object.create(client) as RedisClient, {
    get: (key: string) => send(key, ['GET', key]),
    pTTL: (key: string) => send(key, ['PTTL', key]),
    hGet: (key: string, field: string) => send(key, ['HGET', key, field]),
    hGetAll: async (key: string) => fieldsOf(await send(key, ['HGETALL', key])),
  })
}

function sender(client: RedisClient): Send | undefined {
  const { sendCommand } = client
  if (!sendCommand) return undefined
  if (isCluster(client)) return (key, args) => sendCommand.call(client, key, false, args)
  return isSentinel(client) ? (_, args) => sendCommand.call(client, false, args) : undefined
}

/** RESP 2 has a list of fields and values, RESP 3 a map. */
function fieldsOf(reply: unknown): Record<string, unknown> {
  if (!Array.isArray(reply)) return reply instanceof Map ? Object.fromEntries(reply) : Object(reply)
  return Object.fromEntries(reply.flatMap((name, n) => (n % 2 === 0 ? [[name, reply[n + 1]]] : [])))
}
