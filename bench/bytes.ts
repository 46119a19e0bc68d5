import { createClient, type RedisClientType } from 'redis'

/** Bytes of Redis for each user, by what keeps them (keys of seed.ts), the key and its share of Redis's own included. */
export async function bytesPerUser(url: string): Promise<Record<string, number>> {
  const client = await createClient({ url }).connect()
  const kinds: Record<string, string[]> = {
    'this: session and index': ['weapp-session:s:*', 'weapp-session:u:*'],
    'koa-session': ['koa:*'],
    'express-session': ['express:*'],
    'wafer-node-session': ['wafer:*'],
    'raw key and JSON': ['raw:*'],
  }
  const bytes: Record<string, number> = {}
  for (const [kind, patterns] of Object.entries(kinds)) {
    const means = await Promise.all(patterns.map((pattern) => meanOf(client, pattern)))
    bytes[kind] = means.reduce((sum, mean) => sum + mean, 0)
  }
  client.destroy()
  return bytes
}

/** Of a sample: they are all alike. */
async function meanOf(
  client: Pick<RedisClientType, 'memoryUsage' | 'keys'>,
  pattern: string,
): Promise<number> {
  const keys = (await client.keys(pattern)).slice(0, 500)
  const sizes = await Promise.all(keys.map((key) => client.memoryUsage(key, { SAMPLES: 0 })))
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / keys.length
}
