import type { RedisClient } from './client.js'
import { NO_TIMER } from './clients/own.js'

/** Options for a command, each of them as if it was not set. */
type Unset = Record<string, undefined>

/** Unsets what clients may have whose settings cannot be seen: `defaults` of a cluster, `nodeClientOptions` of a sentinel. */
const UNSET: Unset = {
  ...(NO_TIMER as object),
  typeMapping: undefined,
  asap: undefined,
  abortSignal: undefined,
}

/**
 * Options that undo the caller's own for its commands: replies in other types, an `AbortSignal`, a timeout. node-redis copies these
 * for each command, and one more of them costs as much as half a command: so a single client gets those that it has.
 */
export function unsetOptions(client: RedisClient): Unset {
  if (!isSingle(client)) return UNSET
  const unset: Unset = { ...(NO_TIMER as object) }
  // Not Object.keys(): node-redis 5 puts some of them into a prototype.
  for (const name in client._commandOptions) unset[name] = undefined
  return unset
}

/** Whether it sends commands itself: others have connections with options of their own. */
function isSingle(client: RedisClient): client is RedisClient & { _commandOptions?: object } {
  return (
    '_commandOptions' in client &&
    !('execute' in client) &&
    !('masters' in client) &&
    !('getMasterNode' in client)
  )
}
