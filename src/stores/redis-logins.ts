import { randomUUID } from 'node:crypto'
import { type Claim, CODE_MEMORY, type Entry, type SessionStore } from '../store.js'
import type { RedisClient } from './redis-client.js'
import type { Connection } from './redis-connection.js'
import { lifeOf, printSession } from './redis-record.js'
import type { Run } from './redis-run.js'
import { CLAIM, END, ENROLL, REPLACE } from './redis-scripts.js'

/** What logins do in Redis: see {@link SessionStore}. */
export type RedisLogins = Pick<SessionStore, 'claim' | 'refuse' | 'create'>

export interface RedisLoginsOptions {
  connection: Connection
  run: Run
  keys: RedisKeys
  /** What a value under a session key says. */
  entryOf(client: RedisClient, id: string, value: string): Promise<Entry | undefined>
  /** Ends sessions of a user. */
  endAll(user: string, ids: string[]): Promise<void>
}

export interface RedisKeys {
  session(id: string): string
  user(user: string): string
}

/** A claim, with what tells it apart from a revocation at about the same time. */
interface RedisClaim extends Claim {
  /** By the clock of the code's node: µs. */
  began: number
  /** By our own clock, which never jumps: ms. */
  sent: number
  granted: number
}

export function redisLogins({ connection, run, keys, entryOf, endAll }: RedisLoginsOptions): RedisLogins {
  return {
    async claim(id) {
      const sent = performance.now()
      const token = `claim ${randomUUID()}`
      const result = await run(CLAIM, keys.session(id), [token, CODE_MEMORY])
      if (Array.isArray(result)) {
        const claim: RedisClaim = { id, token, began: Number(result[0]), sent, granted: performance.now() }
        return { state: 'granted', claim }
      }
      return (await entryOf(await connection.client(), id, String(result))) ?? { state: 'ended' }
    },

    async refuse(claim, refusal) {
      await replace(claim.id, claim.token, `refused ${JSON.stringify(refusal)}`, CODE_MEMORY)
    },

    async create({ id, user, record, claim, max }) {
      const life = lifeOf(record.expires)
      const isEnrolled = await enroll(user, id, claim, life, max)
      const isCreated = isEnrolled && (await place(id, claim, printSession(record), life))
      if (!isCreated) await (await connection.client()).hDel(keys.user(user), [id])
      return isCreated
    },
  }

  /**
   * Puts a session on its user's list, and ends those that make room for it: before it is there, so that there
   * are never too many, whatever becomes of this process. `false` when the user was revoked after the login
   * began.
   */
  async function enroll(user: string, id: string, claim: Claim, life: number, max: number): Promise<boolean> {
    const asked = performance.now()
    const answer = await run(ENROLL, keys.user(user), [id, life, max, CODE_MEMORY])
    const [revoked, ago, ...toEnd] = answer as [string, string, ...string[]]
    const isRevoked =
      revoked !== '' && wasBefore(claim as RedisClaim, Number(revoked), Number(ago) / 1000, asked)
    await endAll(user, toEnd)
    return !isRevoked
  }

  /** Puts a session in its place, and shows that its code is used up. */
  async function place(id: string, claim: Claim, value: string, life: number): Promise<boolean> {
    // Kept for as long as the code lives, at least: it must not be exchanged again when its session is over.
    const memory = Math.max(life, CODE_MEMORY)
    if (id === claim.id) return replace(id, claim.token, value, memory)
    // First the session: a code that is used has one.
    if (!(await replace(id, '', value, memory))) return false
    if (await replace(claim.id, claim.token, 'used', CODE_MEMORY)) return true
    await run(END, keys.session(id), [CODE_MEMORY, ''])
    return false
  }

  async function replace(id: string, expected: string, value: string, life: number): Promise<boolean> {
    return (await run(REPLACE, keys.session(id), [expected, value, life])) === 1
  }
}

/**
 * Whether a login began before its user was revoked, `ago` ms ago when we asked the user's node, at `asked` or
 * later. The nodes of a cluster, and a master and its successor, have no common time; so durations are compared,
 * which each is measured by one clock. Where both were within one round trip, the nodes' clocks decide.
 */
function wasBefore(
  { began, sent, granted }: RedisClaim,
  revoked: number,
  ago: number,
  asked: number,
): boolean {
  if (performance.now() - sent < ago) return false
  return asked - granted >= ago || began <= revoked
}
