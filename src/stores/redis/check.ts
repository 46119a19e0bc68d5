import { deadline } from '../../util/deadline.js'
import type { Problem } from '../../util/problem.js'
import type { RedisClient } from './client.js'
import { isCluster } from './cluster.js'
import { type MasterNode, mastersOf } from './masters.js'
import { DENIED, withoutArguments } from './trouble.js'
import { whyNot } from './unreachable.js'

/** KEEPTTL is of Redis 6.0. */
const OLDEST = 6

/** ms for a connection. The store was read before: there is one, or none for a while. */
const PATIENCE = 1000

/**
 * What Redis can tell of itself: with INFO, and with CONFIG GET where that is allowed. Most providers deny the one or the
 * other; what is denied is not known, and no problem. `connect` gives a client, and `key` is written and removed, to see what the user may do.
 */
export async function checkRedis(
  url: string | undefined,
  connect: () => RedisClient | Promise<RedisClient>,
  key: string,
): Promise<Problem[]> {
  let client: RedisClient
  try {
    client = await deadline(PATIENCE, Promise.resolve(connect()), () => new Error('no connection'))
  } catch (error) {
    return [await whyNot(url, error)]
  }
  const masters = await mastersOf(client)
  const problems = await Promise.all(masters.map((master) => problemsOf(master, isCluster(client))))
  const found = [...new Map(problems.flat().map((problem) => [problem.code, problem])).values()]
  // The others explain why nothing can be written.
  return found.some(({ code }) => UNWRITABLE.includes(code))
    ? found
    : [...found, ...(await permissions(client, key))]
}

const UNWRITABLE = ['WEAPP_REDIS_REPLICA', 'WEAPP_REDIS_CLUSTER', 'WEAPP_REDIS_VERSION']

async function problemsOf(node: MasterNode, isOfCluster: boolean): Promise<Problem[]> {
  const [server, memory, replication, cluster] = await Promise.all(
    ['server', 'memory', 'replication', 'cluster'].map((section) => ask(() => node.info?.(section))),
  )
  const policy =
    field(memory, 'maxmemory_policy') ??
    (await ask(() => node.configGet?.('maxmemory-policy')))?.['maxmemory-policy']?.toString()
  const version = field(server, 'redis_version')
  const problems: Problem[] = []

  if (version !== undefined && Number.parseInt(version, 10) < OLDEST)
    problems.push({
      code: 'WEAPP_REDIS_VERSION',
      message: `This is Redis ${version}, whose SET has no KEEPTTL.`,
      fix: `Use Redis ${OLDEST} or later, or Valkey.`,
    })
  if (policy !== undefined && policy !== 'noeviction')
    problems.push({
      code: 'WEAPP_REDIS_EVICTION',
      message: `Redis has maxmemory-policy ${policy}: when it is full, it forgets sessions, and revoke() misses some.`,
      fix: 'Set maxmemory-policy to noeviction.',
    })
  if (field(replication, 'role') === 'slave')
    problems.push({
      code: 'WEAPP_REDIS_REPLICA',
      message: 'This Redis is a replica, which takes no writes.',
      fix: 'Give the address of the master, or a sentinel client.',
    })
  if (field(cluster, 'cluster_enabled') === '1' && !isOfCluster)
    problems.push({
      code: 'WEAPP_REDIS_CLUSTER',
      message: 'This Redis is a node of a cluster, and the client is for a single server.',
      fix: 'Use redisStore({ client: createCluster(…) }).',
    })
  return problems
}

/** NOPERM, or a proxy that does not know the command: not known. */
async function ask<T>(question: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await question()
  } catch {
    return undefined
  }
}

function field(info: string | undefined, name: string): string | undefined {
  return new RegExp(`^${name}:([\\w.-]+)`, 'm').exec(info ?? '')?.[1]
}

/** Does what the store does, on a key of its own that is there for no longer than the script runs. */
const TRY = `
local refused = {}
local function try(name, ...)
  local reply = redis.pcall(name, ...)
  if type(reply) == 'table' and reply.err then refused[#refused + 1] = name .. ': ' .. reply.err end
end
try('TIME')
try('SET', KEYS[1], '1', 'PX', 1000)
try('SET', KEYS[1], '2', 'KEEPTTL')
try('GET', KEYS[1])
try('PTTL', KEYS[1])
try('PEXPIRE', KEYS[1], 1000)
try('DEL', KEYS[1])
try('HSET', KEYS[1], 'a', '1')
try('PEXPIRE', KEYS[1], 1000)
try('HGET', KEYS[1], 'a')
try('HGETALL', KEYS[1])
try('HKEYS', KEYS[1])
try('HDEL', KEYS[1], 'a')
return refused
`

async function permissions(client: RedisClient, key: string): Promise<Problem[]> {
  const failures: string[] = []
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    try {
      return await work()
    } catch (error) {
      const cleaned = withoutArguments(error)
      failures.push(`${name}: ${cleaned instanceof Error ? cleaned.message : String(cleaned)}`)
    }
    return undefined
  }
  // EVALSHA is no need: where it is denied, scripts are sent by EVAL.
  const inScript = await attempt('EVAL', () => client.eval(TRY, { keys: [key], arguments: [] }))
  await attempt('PTTL', () => client.pTTL(key))
  await attempt('HGET', () => client.hGet(key, 'a'))
  await attempt('HGETALL', () => client.hGetAll(key))
  await attempt('HDEL', () => client.hDel(key, ['a']))
  for (const failure of Array.isArray(inScript) ? inScript : []) failures.push(String(failure))
  return failures.length === 0 ? [] : [refusal(failures)]
}

/** What Redis refuses, with its own sentence: it names the command or the state, and no user. */
function refusal(failures: string[]): Problem {
  const names = [...new Set(failures.map((failure) => failure.split(':', 1)[0]))].join(', ')
  const isDenied = failures.some((failure) => DENIED.test(failure))
  if (isDenied)
    return {
      code: 'WEAPP_REDIS_NOPERM',
      message: `The user of Redis may not run: ${names}.`,
      fix: 'Give it the keys of the prefix (~wxs:*) and the commands that docs/deployment.md lists, with ACL SETUSER.',
    }
  const [, reason = 'an error'] = /: (?:ERR )?(.*)/.exec(failures[0] ?? '') ?? []
  return {
    code: 'WEAPP_REDIS_WRITE',
    message: `Redis refuses ${names}: ${reason}`,
    fix: 'Mend what Redis says: give it memory, or a master that may write.',
  }
}
