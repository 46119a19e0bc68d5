import { randomUUID } from 'node:crypto'
import { makingRoom } from '../making-room.js'
import type { Claim, NewSession, SessionStore, Taking } from '../store.js'
import type { Database } from './database.js'
import { endSession, undoCreate } from './ends.js'
import { entryOf, type Written } from './written.js'

/**
 * Logins, and the revocations that they race with. In one process, `lockUser()` lets one come after the other. Another
 * process does not wait, so `create` looks for a revocation before and after it has written:
 *
 *     login        isRevoked? ── list ── session ── isRevoked? then undo
 *     revocation             markRevoked ── end each session on the list
 */
export function loginsOf(db: Database): Pick<SessionStore, 'claim' | 'refuse' | 'create' | 'revoke'> {
  return {
    claim(id) {
      return db.lockId(id, async () => {
        const entry = entryOf(await db.look(id))
        if (entry) return entry

        const claim: Claim = { id, token: randomUUID(), began: db.stamp() }
        await db.write(id, { state: 'claimed', token: claim.token, at: Date.now() })
        // Another process may have written at the same moment. The claim that stands there now is granted.
        if (await isHeld(claim)) return { state: 'granted', claim }
        return entryOf(await db.look(id)) ?? { state: 'ended' }
      })
    },

    async refuse(claim, refusal, memory) {
      await resolveClaim(claim, { state: 'refused', refusal }, memory)
    },

    create(session) {
      const { id, user, record, claim, max, maxYoung, replaces } = session
      return db.lockUser(user, async () => {
        if ((await db.isRevoked(user, claim)) || !(await isHeld(claim))) return false

        const others = (await db.listOf(user)).filter((other) => other.id !== id && other.id !== replaces?.id)
        const toEnd = makingRoom(others, { expires: record.expires, max, maxYoung })
        for (const other of toEnd) await endSession(db, other.id)
        // The session is on the list before it is created, so that a revocation finds it.
        const kept = others.filter((other) => !toEnd.includes(other))
        await db.writeList(user, [...kept, { id, expires: record.expires }])
        const isPlaced = await place(session)
        if (isPlaced && !(await db.isRevoked(user, claim))) return true

        if (isPlaced) await undoCreate(db, id, user, replaces)
        await db.removeFromList(user, [id])
        if (replaces?.user === user) await restoreOnList(replaces)
        return false
      })
    },

    revoke(user) {
      return db.lockUser(user, async () => {
        // First of all: a login that is not on the list yet finds it before it is done.
        await db.markRevoked(user)
        const ids = (await db.listOf(user)).map(({ id }) => id)
        await Promise.all(ids.map((id) => endSession(db, id)))
        await db.removeFromList(user, ids)
      })
    },
  }

  async function isHeld(claim: Pick<Claim, 'id' | 'token'>): Promise<boolean> {
    const written = await db.look(claim.id)
    return written?.state === 'claimed' && written.token === claim.token
  }

  /** Writes the outcome of a login in the place of its claim, if that still stands there. Returns whether it does. */
  function resolveClaim(
    claim: Pick<Claim, 'id' | 'token'>,
    outcome: Written,
    ttl?: number,
  ): Promise<boolean> {
    return db.lockId(claim.id, async () => {
      const mayWrite = await isHeld(claim)
      if (mayWrite) await db.write(claim.id, outcome, ttl)
      return mayWrite
    })
  }

  /** Writes a session, and marks its code as used. */
  async function place({ id, user, claim, record, replaces }: NewSession): Promise<boolean> {
    if (id === claim.id) return resolveClaim(claim, { state: 'session', record })
    // The session comes first: whoever reads that a code is used can rely on its session.
    const isFree = await db.lockId(id, async () => {
      if (await db.look(id)) return false
      await db.write(id, { state: 'session', record })
      return true
    })
    if (!isFree || (await resolveClaim(claim, { state: 'used' }))) return isFree
    await undoCreate(db, id, user, replaces)
    return false
  }

  /** Nothing has replaced a taken session. If it may be put back, or was put back, it is on the list again. */
  async function restoreOnList({ id, user }: Taking): Promise<void> {
    const written = await db.look(id)
    if (written?.state !== 'taken' && written?.state !== 'session') return
    await db.addToList(user, { id, expires: written.record.expires })
  }
}
