import type { RedisClient } from './client.js'
import type { Connection } from './connection.js'
import type { Script } from './scripts.js'

/** The keys of Redis, by what is stored under them: see scripts.ts. */
export interface RedisKeys {
  session(id: string): string
  user(user: string): string
}

/** Runs one of our scripts: by its hash, and whole where Redis does not know it (any more). */
export type Run = (script: Script, key: string, args: (string | number)[]) => Promise<unknown>

export function runner(connection: Connection): Run {
  return async function run(script, key, args) {
    const ready = connection.client()
    const client: RedisClient = ready instanceof Promise ? await ready : ready
    const options = { keys: [key], arguments: args.map(String) }
    try {
      return await client.evalSha(script.sha1, options)
    } catch (error) {
      // Redis tells its errors apart by the first word of their message, and by nothing else.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return client.eval(script.text, options)
    }
  }
}
