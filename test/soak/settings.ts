import type { WeappSessionOptions } from '../../src/index.js'

/** What a server of the soak is told (server.ts). */
export interface ServerSettings {
  carrier: 'header' | 'code'
  /** Sessions that the cache of `redisStore()` holds; without it, there is none. */
  cacheMax?: number
  options: Pick<WeappSessionOptions, 'appId' | 'appSecret' | 'ttl' | 'rolling'>
  wechat: { baseUrl: string; timeout: number; concurrency: number }
  store: { url: string; prefix: string; timeout: number }
  keys: string[]
}

/** How long it lasts: an hour, unless SOAK_MINUTES says something else. */
export const MINUTES: number = minutesOf(process.env.SOAK_MINUTES ?? '60')

/** A folder for heap snapshots of each server, in the middle and at the end. Default: there are none. */
export const SNAPSHOTS: string | undefined = process.env.SOAK_SNAPSHOTS

/** Visitors at a time, and the users whose phone each of them has: nobody else has those. */
export const VISITORS = 48
export const USERS_OF_A_VISITOR = 5

/** Seconds that a session lives, unless it is used (of those that a use renews) or ended. */
export const TTL = 60

/** ms that a store call may take: more than the default, because the machine may be busy with other work. */
export const STORE_TIMEOUT = 1000

/** ms that WeChat may take for a code, and how many codes are exchanged at a time. */
export const WECHAT_TIMEOUT = 1000
export const WECHAT_CONCURRENCY = 20

/** ms after which a request counts as one without an answer, whatever fails. */
export const PATIENCE = 10_000

/**
 * Sessions that the cached server keeps: those of the visitors who are there, and soon full again after each fault. With
 * the default its size at the end of a minute would be that of what has happened since the last fault.
 */
export const CACHE_MAX = 100

/** Connections of all visitors to one server. */
export const CONNECTIONS = 64

function minutesOf(text: string): number {
  const minutes = Number(text)
  if (Number.isSafeInteger(minutes) && minutes > 0) return minutes
  throw new TypeError(`SOAK_MINUTES must be a whole number of minutes: it is ${text}`)
}
