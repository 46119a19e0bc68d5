import { randomUUID } from 'node:crypto'
import { type Claim, CODE_MEMORY, type NewSession, type SessionStore } from '../store.js'
import { lifeOf, printClaim, printRefusal, printSession, USED } from './codec.js'
import type { Database } from './database.js'
import { endSessions, removeFromList, undoCreate } from './ends.js'
import { entryOf } from './entries.js'
import { revocationOrder } from './revocations.js'
import { CLAIM, ENROLL, EXTEND_CLAIM, REPLACE, RESOLVE_CLAIM, REVOKE, UNDO_ENROLL } from './scripts.js'

/**
 * Logins, and the revocations that they race with. `isOneClock`: whether all keys are timed by one clock of Redis.
 *
 *     login        CLAIM ── WeChat ── ENROLL ── REPLACE
 *     revocation   REVOKE ── END of each session on the list
 *
 * A REVOKE after ENROLL finds the session on the list, and ends it: its key says `ended`, and REPLACE refuses. A REVOKE before ENROLL
 * has left its time there, and `isBefore()` decides whether it came after the claim.
 */
export function redisLogins(
  db: Database,
  isOneClock: () => boolean,
): Pick<SessionStore, 'claim' | 'refuse' | 'create' | 'revoke'> {
  const { use, run, sessionKey, userKey } = db
  const revocations = revocationOrder(isOneClock)

  return {
    async claim(id) {
      const grant = revocations.beginClaim()
      const token = printClaim(randomUUID())
      const result = await run(CLAIM, sessionKey(id), [token, CODE_MEMORY])
      if (Array.isArray(result)) {
        return { state: 'granted', claim: grant({ id, token, began: Number(result[0]) }) }
      }
      const entry = await use((client) => entryOf(client, sessionKey(id), String(result)))
      return entry ?? { state: 'ended' }
    },

    async refuse(claim, refusal, memory) {
      await resolveClaim(claim, printRefusal(refusal), memory)
    },

    async create(session) {
      const isCreated = (await enroll(session)) && (await place(session))
      if (!isCreated) await undoEnroll(session)
      return isCreated
    },

    async revoke(user) {
      let ids: string[] = []
      await revocations.revoking(user, async () => {
        const [at = '', ...found] = (await run(REVOKE, userKey(user), [CODE_MEMORY])) as string[]
        ids = found
        return at
      })
      await endSessions(db, user, ids)
    },
  }

  /**
   * Puts a session on its user's list, and ends the sessions that make room for it. That comes before the session is
   * created, so that there are never too many, even if this process dies. `false` when the user was revoked after the
   * login began, or the claim has run out.
   */
  async function enroll({
    id,
    user,
    record,
    claim,
    max,
    maxYoung = max,
    replaces,
  }: NewSession): Promise<boolean> {
    const asked = performance.now()
    const replaced = replaces?.user === user ? replaces.id : ''
    const args = [id, lifeOf(record.expires), max, CODE_MEMORY, replaced, maxYoung]
    const answer = (await run(ENROLL, userKey(user), args)) as [string, string, ...string[]] | null
    if (!answer) return false
    const [revoked, ago, ...toEnd] = answer
    const revocation = revoked === '' ? undefined : { at: Number(revoked), ago: Number(ago) / 1000, asked }
    if (revocations.isBefore(user, claim, revocation)) return false
    if (toEnd.length === 0) return true
    // While this process stood still, another one may have refused the claim. No session makes room for that.
    if (!(await extendClaim(claim))) return false
    await endSessions(db, user, toEnd)
    return true
  }

  /** Nothing was created: the list is as it was before, and a taken session can be put back. */
  async function undoEnroll({ id, user, replaces }: NewSession): Promise<void> {
    if (replaces?.user === user) await run(UNDO_ENROLL, userKey(user), [replaces.id, id])
    else await removeFromList(db, user, [id])
  }

  /** Writes a session, and marks its code as used. */
  async function place({ id, user, claim, record, replaces }: NewSession): Promise<boolean> {
    // The key stays for as long as the code lives, so that the code is not exchanged again after the session's end.
    const ttl = Math.max(lifeOf(record.expires), CODE_MEMORY)
    const value = printSession(record)
    if (id === claim.id) return replace(id, claim.token, value, ttl)
    // The session comes first: whoever reads that a code is used can rely on its session.
    if (!(await replace(id, '', value, ttl))) return false
    if (await resolveClaim(claim, USED, CODE_MEMORY)) return true
    await undoCreate(db, id, user, replaces)
    return false
  }

  async function replace(id: string, expected: string, value: string, ttl: number): Promise<boolean> {
    return (await run(REPLACE, sessionKey(id), [expected, value, ttl])) === 1
  }

  async function resolveClaim(
    { id, token }: Pick<Claim, 'id' | 'token'>,
    outcome: string,
    ttl: number,
  ): Promise<boolean> {
    return (await run(RESOLVE_CLAIM, sessionKey(id), [token, outcome, ttl])) === 1
  }

  async function extendClaim({ id, token }: Claim): Promise<boolean> {
    return (await run(EXTEND_CLAIM, sessionKey(id), [token, CODE_MEMORY])) === 1
  }
}
