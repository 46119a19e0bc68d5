import type { RedisClient } from './client.js'

/** Those that have been discarded before: a cluster of the caller's may be, each time that it finds no node. */
const discarded = new WeakSet<RedisClient>()

/**
 * Ends a client for good. One of node-redis (6.3) that is destroyed while TCP connects goes on with that: it says that it
 * is closed, gets ready all the same, and its connection stays for as long as Redis and this process live. So it is
 * destroyed once more then; unless somebody has opened it again, who may be its owner.
 */
export function discard(client: RedisClient): void {
  if (!discarded.has(client)) {
    discarded.add(client)
    client.on('ready', () => {
      if (!client.isOpen) client.destroy()
    })
  }
  client.destroy()
}
