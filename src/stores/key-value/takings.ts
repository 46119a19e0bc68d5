import type { SessionStore, Taking } from '../store.js'
import type { Database } from './database.js'
import { endSession } from './ends.js'
import { endedWith, linkOf } from './written.js'

/**
 * How one session is made into another: `take` locks it, `create` (logins.ts) writes the successor, `confirm` commits,
 * and `putBack` rolls back. A late `create` must not come after that, so `putBack` closes the successor's id
 * (`abandon()`) before the session is there again.
 */
export function takingsOf(db: Database): Pick<SessionStore, 'take' | 'confirm' | 'putBack'> {
  return {
    take({ id, token, successor }) {
      return db.lockId(id, async () => {
        const written = await db.look(id)
        if (written?.state === 'taken') return written.token === token ? written.record : undefined
        if (written?.state !== 'session' || written.record.expires <= Date.now()) return undefined
        const { record } = written
        await db.write(id, { state: 'taken', token, successor, record, at: db.stamp() })
        return record
      })
    },

    confirm(taking) {
      return db.lockUser(taking.user, () => confirm(taking))
    },

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, user, successor } = taking
      const result = await db.lockUser(user, async () => {
        const before = await db.look(id)
        // A guest and the successor are not linked: when the user's sessions end, the guest's does not.
        const isGuest = before !== undefined && 'record' in before && before.record.user === null
        const mayEnd = endSuccessorOf !== undefined
        const found = await abandon(successor, isGuest ? undefined : id, mayEnd)
        if (found === 'session') {
          await confirm(taking)
          return 'succeeded'
        }
        // Another taking's, or what that has made of the session, is not ours to end.
        const isMine = before?.state === 'taken' && before.token === taking.token
        if (found === 'ended' && !isGuest && isMine) await endSession(db, id)
        if (await isPutBack(taking)) return 'back'
        const isOthers = before?.state === 'taken' && !isMine
        await db.removeFromList(user, isOthers ? [successor] : [id, successor])
        return 'over'
      })
      if (result !== 'succeeded' && endSuccessorOf !== undefined && endSuccessorOf !== user) {
        await db.lockUser(endSuccessorOf, () => db.removeFromList(endSuccessorOf, [successor]))
      }
      return result
    },
  }

  /**
   * Works on the id of a successor, before the session that was taken for it is put back. Afterwards nothing can be
   * created there, and whoever ends the successor ends `takenId` too.
   *
   * Changes nothing, and returns `session`, when the successor was created, and `ended`, when somebody has ended it.
   * `mayEnd`: the successor ends even if it is there.
   */
  function abandon(
    successor: string,
    takenId: string | undefined,
    mayEnd: boolean,
  ): Promise<'abandoned' | 'session' | 'ended'> {
    return db.lockId(successor, async () => {
      const written = await db.look(successor)
      if (written?.state === 'session' && !mayEnd) return 'session'
      const linked = linkOf(written)
      // The successor has a successor of its own, so it was created.
      if (linked !== undefined && linked !== takenId) return 'session'
      if (written?.state === 'ended' && linked !== takenId) return 'ended'
      await db.write(successor, endedWith(takenId))
      return 'abandoned'
    })
  }

  /** Puts a taken session back, unless its user was revoked meanwhile. Returns whether the session is there. */
  function isPutBack({ id, user, token, successor }: Taking): Promise<boolean> {
    return db.lockId(id, async () => {
      const written = await db.look(id)
      if (written?.state !== 'taken' || written.token !== token) return written?.state === 'session'
      if (await db.isRevoked(user, { began: written.at })) return false
      const { record } = written
      await db.addToList(user, { id, expires: record.expires }, successor)
      await db.write(id, { state: 'session', record })
      return true
    })
  }

  async function confirm({ id, user, token, successor }: Taking): Promise<void> {
    const hasEnded = await db.lockId(id, async () => {
      const written = await db.look(id)
      const isMine = written?.state === 'taken' && written.token === token
      if (isMine) await db.write(id, endedWith(successor))
      return isMine || (written?.state !== 'session' && written?.state !== 'taken')
    })
    if (hasEnded) await db.removeFromList(user, [id])
  }
}
