import { randomUUID } from 'node:crypto'
import { type Claim, CODE_MEMORY, type Entry, type NewSession, type SessionStore } from '../store.js'
import type { RedisClient } from './client.js'
import { lifeOf, printClaim, printRefusal, printSession, type RedisKeys, USED } from './codec.js'
import type { Connection, Run } from './connection.js'
import type { RedisEnds } from './ends.js'
import type { OrderedClaim, RevocationOrder } from './revocations.js'
import { CLAIM, ENROLL, EXTEND_CLAIM, REPLACE, RESOLVE_CLAIM, UNDO_ENROLL } from './scripts.js'

/** What logins do in Redis: see {@link SessionStore}. */
export type RedisLogins = Pick<SessionStore, 'claim' | 'refuse' | 'create'>

export interface RedisLoginsOptions {
  connection: Connection
  run: Run
  keys: RedisKeys
  /** What a value under a session key says. */
  entryOf(client: RedisClient, id: string, value: string): Promise<Entry | undefined>
  ends: Pick<RedisEnds, 'endAll' | 'leave' | 'retract'>
  revocations: RevocationOrder
}

export function redisLogins(options: RedisLoginsOptions): RedisLogins {
  const { connection, run, keys, entryOf, ends, revocations } = options

  return {
    async claim(id) {
      const [sent, sentOrder] = [performance.now(), revocations.next()]
      const token = printClaim(randomUUID())
      const result = await run(CLAIM, keys.session(id), [token, CODE_MEMORY])
      if (Array.isArray(result)) {
        const times = { began: Number(result[0]), sent, granted: performance.now() }
        const claim: OrderedClaim = { id, token, ...times, sentOrder, order: revocations.next() }
        return { state: 'granted', claim }
      }
      return (await entryOf(await connection.client(), id, String(result))) ?? { state: 'ended' }
    },

    async refuse({ id, token }, refusal, memory) {
      await settle(id, token, printRefusal(refusal), memory)
    },

    async create(session) {
      const isCreated = (await enroll(session)) && (await place(session))
      if (!isCreated) await withdraw(session)
      return isCreated
    },
  }

  /**
   * Puts a session on its user's list, and ends those that make room for it: before it is there, so that there
   * are never too many, whatever becomes of this process. `false` when the user was revoked after the login began, or
   * the claim has run out.
   */
  async function enroll({ id, user, record, claim, max, replaces }: NewSession): Promise<boolean> {
    const asked = performance.now()
    const replaced = replaces?.user === user ? replaces.id : ''
    const args = [id, lifeOf(record.expires), max, CODE_MEMORY, replaced]
    const answer = (await run(ENROLL, keys.user(user), args)) as [string, string, ...string[]] | null
    if (!answer) return false
    const [revoked, ago, ...toEnd] = answer
    const revocation = revoked === '' ? undefined : { at: Number(revoked), ago: Number(ago) / 1000, asked }
    if (revocations.isBefore(user, claim as OrderedClaim, revocation)) return false
    // A process that has stood still may hold a claim that others have refused: nobody makes room for that.
    if (toEnd.length === 0) return true
    if (!(await isHeld(claim))) return false
    await ends.endAll(user, toEnd)
    return true
  }

  /** Nothing was created: the list is as it was, and a taken session can be put back. */
  async function withdraw({ id, user, replaces }: NewSession): Promise<void> {
    if (replaces?.user === user) await run(UNDO_ENROLL, keys.user(user), [replaces.id, id])
    else await ends.leave(user, [id])
  }

  /** Puts a session in its place, and shows that its code is used up. */
  async function place({ id, user, claim, record, replaces }: NewSession): Promise<boolean> {
    // Kept for as long as the code lives, at least: it must not be exchanged again when its session is over.
    const memory = Math.max(lifeOf(record.expires), CODE_MEMORY)
    const value = printSession(record)
    if (id === claim.id) return replace(id, claim.token, value, memory)
    // First the session: a code that is used has one.
    if (!(await replace(id, '', value, memory))) return false
    if (await settle(claim.id, claim.token, USED, CODE_MEMORY)) return true
    await ends.retract(id, user, replaces)
    return false
  }

  async function replace(id: string, expected: string, value: string, life: number): Promise<boolean> {
    return (await run(REPLACE, keys.session(id), [expected, value, life])) === 1
  }

  async function settle(id: string, token: string, word: string, life: number): Promise<boolean> {
    return (await run(RESOLVE_CLAIM, keys.session(id), [token, word, life])) === 1
  }

  async function isHeld({ id, token }: Claim): Promise<boolean> {
    return (await run(EXTEND_CLAIM, keys.session(id), [token, CODE_MEMORY])) === 1
  }
}
