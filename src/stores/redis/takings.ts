import { CODE_MEMORY, type SessionStore, type Taking } from '../store.js'
import { parseSession, parseValue } from './codec.js'
import type { Database } from './database.js'
import { removeFromList } from './ends.js'
import { ABANDON, CONFIRM, END_TAKEN, PUT_BACK, TAKE, UNDO_ENROLL } from './scripts.js'

/**
 * How one session is made into another: `take` locks it, `create` (logins.ts) writes the successor, `confirm` commits,
 * and `putBack` rolls back.
 *
 * Another process may roll back while the first one stands still. Then a late `create` must fail, so the successor's key
 * is closed (ABANDON) before the session is there again (PUT_BACK):
 *
 *     first process     take ── (stands still) ────────────────── create: false
 *     another process               ABANDON ── PUT_BACK
 */
export function redisTakings(db: Database): Pick<SessionStore, 'take' | 'confirm' | 'putBack'> {
  const { use, run, sessionKey, userKey, forget } = db

  return {
    async take({ id, token, successor }) {
      const value = await run(TAKE, sessionKey(id), [token, successor, CODE_MEMORY])
      forget(id)
      const record = parseSession(value as string | null)
      return record && record.expires > Date.now() ? record : undefined
    },

    confirm,

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, user, token, successor } = taking
      // A guest and the successor are not linked: when the user's sessions end, the guest's does not.
      const isGuest = isOfGuest(await use((client) => client.get(sessionKey(id))))
      const mayEnd = endSuccessorOf === undefined ? 0 : 1
      const found = await run(ABANDON, sessionKey(successor), [isGuest ? '' : id, CODE_MEMORY, mayEnd])
      forget(successor)
      if (found === 'session') {
        await confirm(taking)
        return 'succeeded'
      }
      if (endSuccessorOf !== undefined && endSuccessorOf !== user)
        await removeFromList(db, endSuccessorOf, [successor])
      // Looked at before the session is back: an interrupted revocation has still to end it.
      if ((found === 'ended' && !isGuest) || !(await isOnList(user, id))) {
        const isOver = await run(END_TAKEN, sessionKey(id), [token, CODE_MEMORY])
        forget(id)
        await removeFromList(db, user, isOver === 1 ? [id, successor] : [successor])
        return 'over'
      }
      const state = await run(PUT_BACK, sessionKey(id), [token, Date.now(), CODE_MEMORY])
      forget(id)
      if (state === 'session') await run(UNDO_ENROLL, userKey(user), [id, successor])
      else await removeFromList(db, user, state === 'taken' ? [successor] : [id, successor])
      return state === 'session' ? 'back' : 'over'
    },
  }

  async function confirm({ id, user, token }: Taking): Promise<void> {
    const hasEnded = await run(CONFIRM, sessionKey(id), [token, CODE_MEMORY])
    forget(id)
    if (hasEnded === 1) await removeFromList(db, user, [id])
  }

  /** Whether a session is on its user's list, and was not revoked. */
  async function isOnList(user: string, id: string): Promise<boolean> {
    const end = await use((client) => client.hGet(userKey(user), id))
    return typeof end === 'string' && end !== '0'
  }
}

/** Whether a value is the session of a guest, taken or not. */
function isOfGuest(value: string | null): boolean {
  const parsed = parseValue(value)
  return (parsed?.kind === 'taken' || parsed?.kind === 'session') && parsed.record.user === null
}
