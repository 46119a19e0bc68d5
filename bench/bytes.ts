import { startRedis, withClient } from '../test/support/redis.js'
import { populate } from './population.js'
import { type PeerKey, seedPeers } from './seed.js'

/** As many users as Redis's own tables are about half full for. */
const USERS = 100_000

type Fill = (redisUrl: string, users: number) => Promise<unknown>

/** Bytes of Redis for each of 100,000 logged-in users, by what keeps them: all that Redis says it uses more. */
export async function bytesPerUser(): Promise<Record<string, number>> {
  const peer =
    (key: PeerKey): Fill =>
    (url, users) =>
      seedPeers(url, users, [key])
  return {
    'this: session and index': await bytesOf((url, users) => populate({ url }, users)),
    'koa-session': await bytesOf(peer('koa')),
    'express-session': await bytesOf(peer('express')),
    'wafer-node-session': await bytesOf(peer('wafer')),
    'raw key and JSON': await bytesOf(peer('raw')),
  }
}

async function bytesOf(fill: Fill): Promise<number> {
  const redis = await startRedis()
  try {
    return await growth(redis.url, USERS, fill)
  } finally {
    await redis.stop()
  }
}

/** By how many bytes a Redis grows for each user. What it needs for connections and scripts is no user's. */
export async function growth(url: string, users: number, fill: Fill): Promise<number> {
  await fill(url, 1)
  await withClient(url, (client) => client.flushAll())
  const before = await usedMemory(url)
  await fill(url, users)
  return ((await usedMemory(url)) - before) / users
}

async function usedMemory(url: string): Promise<number> {
  const info = await withClient(url, (client) => client.info('memory'))
  return Number(/used_memory:(\d+)/.exec(info)?.[1])
}
