import { setImmediate as nextTurn } from 'node:timers/promises'
import { deadline } from '../../util/deadline.js'
import { countPauses, watchPauses } from '../../util/pauses.js'
import type { RedisClient } from './client.js'
import { isAlive } from './connect.js'

/** A connection that may be gone when this process goes on after a pause. */
export interface Sleeper {
  client(): RedisClient | undefined
  /** Connects another client, unless one has taken the place of this one. */
  renew(old: RedisClient | undefined): Promise<unknown>
}

export interface Waking {
  /** The connection is known to be good. */
  good(): void
  /**
   * After a pause: a function was frozen, say, and the connection may have been closed meanwhile, by Redis or by what is
   * between. Commands would fail on it, so it is tried before, and made anew. Resolves then, or after `connectTimeout`:
   * whoever waits gets errors from their own command. `undefined` when there was no pause.
   */
  afterPause(): Promise<unknown> | undefined
}

export function createWaking(
  { client, renew }: Sleeper,
  { timeout, connectTimeout }: { timeout: number; connectTimeout: number },
): Waking {
  watchPauses()
  /** How often this process had stood still when the connection was known to be good. */
  let pauses = 0
  let waking: Promise<unknown> | undefined

  return {
    good() {
      pauses = countPauses()
    },

    afterPause() {
      if (!waking && countPauses() !== pauses) waking = wake()
      return waking
    },
  }

  function wake(): Promise<unknown> {
    return deadline(connectTimeout, revive(), () => new Error('no connection'))
      .catch(() => {})
      .finally(() => {
        waking = undefined
        pauses = countPauses()
      })
  }

  async function revive(): Promise<void> {
    // What came meanwhile is read first: that it was closed, say.
    await nextTurn()
    const old = client()
    if (old?.isReady && (await isAlive(old, timeout))) return
    await renew(old)
  }
}
