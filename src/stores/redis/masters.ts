import type { RedisClient, ScriptOptions } from './client.js'
import { isCluster } from './cluster.js'

/** Sends a command to the master of a key: to a cluster, or to a sentinel. */
type Send = (key: string, args: string[]) => Promise<unknown>

export function isSentinel(client: RedisClient): boolean {
  return 'getMasterNode' in client
}

/**
 * A client of the same connections, whose commands have these options. Those of a cluster or a sentinel all go to a master: with
 * `useReplicas`, node-redis reads from replicas, which do not know yet who has just logged in, and still know who has just logged
 * out. And each is sent with its options, since node-redis 5 forgets there what withCommandOptions() was told.
 */
export function withOptions(client: RedisClient, options: object): RedisClient {
  const send = sender(client, options)
  if (!send) return client.withCommandOptions?.(options) ?? client
  const run = (command: string, script: string, { keys: [key = ''], arguments: args }: ScriptOptions) =>
    send(key, [command, script, '1', key, ...args])
  return Object.assign(Object.create(client) as RedisClient, {
    get: (key: string) => send(key, ['GET', key]),
    pTTL: (key: string) => send(key, ['PTTL', key]),
    hGet: (key: string, field: string) => send(key, ['HGET', key, field]),
    hDel: (key: string, fields: string[]) => send(key, ['HDEL', key, ...fields]),
    hGetAll: async (key: string) => fieldsOf(await send(key, ['HGETALL', key])),
    eval: (script: string, options: ScriptOptions) => run('EVAL', script, options),
    evalSha: (sha1: string, options: ScriptOptions) => run('EVALSHA', sha1, options),
  })
}

/** A master, which may not know, or not allow, the commands that say what it is. */
export interface MasterNode {
  info?(section: string): Promise<string>
  configGet?(name: string): Promise<Record<string, string | Buffer>>
}

/** Who takes writes: what a sentinel client is asked, it asks a replica where it reads from replicas. */
export async function mastersOf(client: RedisClient): Promise<MasterNode[]> {
  if (isCluster(client)) {
    const nodes = await Promise.all(client.masters.map((master) => master.client))
    return nodes.map((node) => node ?? {})
  }
  const send = isSentinel(client) ? sender(client, {}) : undefined
  if (!send) return [client]
  return [
    {
      info: async (section) => String(await send('', ['INFO', section])),
      configGet: async (name) =>
        fieldsOf(await send('', ['CONFIG', 'GET', name])) as Record<string, string | Buffer>,
    },
  ]
}

function sender(client: RedisClient, options: object): Send | undefined {
  const { sendCommand } = client
  if (!sendCommand) return undefined
  if (isCluster(client)) return (key, args) => sendCommand.call(client, key, false, args, options)
  return isSentinel(client) ? (_, args) => sendCommand.call(client, false, args, options) : undefined
}

/** RESP 2 has a list of fields and values, RESP 3 a map. */
function fieldsOf(reply: unknown): Record<string, unknown> {
  if (!Array.isArray(reply)) return reply instanceof Map ? Object.fromEntries(reply) : Object(reply)
  return Object.fromEntries(reply.flatMap((name, n) => (n % 2 === 0 ? [[name, reply[n + 1]]] : [])))
}
