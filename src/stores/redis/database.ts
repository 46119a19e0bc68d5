import type { RedisClient } from './client.js'
import type { Script } from './scripts/script.js'

/** What the parts of the Redis store work on: its keys, and the commands on them. */
export interface Database {
  /** Does commands with a client that is ready for them. An error says what it means. */
  use<Result>(work: (client: RedisClient) => Promise<Result>): Promise<Result>
  /** Runs a script on one key: by its hash, or by its text when Redis does not know the hash, or takes none. */
  run(script: Script, key: string, args: (string | number)[]): Promise<unknown>
  /** Where a session, a claim, or what became of them is stored. */
  sessionKey(id: string): string
  /** Where the list of a user's sessions is stored. */
  userKey(user: string): string
  /** Removes a session that has changed from the cache of this process. */
  readonly forget: (id: string) => void
}

export interface DatabaseOptions extends Pick<Database, 'forget'> {
  client(): RedisClient | Promise<RedisClient>
  /** Every key begins with it. */
  prefix: string
  /** An error with what it means. */
  explained(error: unknown): unknown
}

/**
 * What Redis says when it has not run a script because it was named by its hash. Redis tells its errors apart by the first word
 * of their message, and names the command that it denies (ACL) or does not know (`rename-command`).
 */
const NOT_BY_HASH = /^NOSCRIPT|^NOPERM .*'evalsha'|^ERR unknown command .evalsha/i

export function createDatabase({ client, prefix, forget, explained }: DatabaseOptions): Database {
  /** Whether Redis takes hashes of scripts. Some users may send scripts by their text alone. */
  let takesHashes = true

  return {
    use,

    run(script, key, args) {
      const options = { keys: [key], arguments: args.map(String) }
      return use(async (redis) => {
        if (!takesHashes) return redis.eval(script.text, options)
        try {
          return await redis.evalSha(script.sha1, options)
        } catch (error) {
          if (!(error instanceof Error) || !NOT_BY_HASH.test(error.message)) throw error
          if (!error.message.startsWith('NOSCRIPT')) takesHashes = false
          return redis.eval(script.text, options)
        }
      })
    },

    sessionKey: (id) => `${prefix}s:${id}`,
    userKey: (user) => `${prefix}u:${user}`,
    forget,
  }

  async function use<Result>(work: (client: RedisClient) => Promise<Result>): Promise<Result> {
    try {
      const ready = client()
      return await work(ready instanceof Promise ? await ready : ready)
    } catch (error) {
      throw explained(error)
    }
  }
}
