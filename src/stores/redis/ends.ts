import { CODE_MEMORY, type SessionStore, type Taking } from '../store.js'
import { parseSession, parseValue, type RedisKeys } from './codec.js'
import type { Connection, Run } from './connection.js'
import type { RevocationOrder } from './revocations.js'
import { ABANDON, CONFIRM, END, PUT_BACK, REVOKE, TAKE, UNDO_ENROLL } from './scripts.js'

/** How sessions end in Redis, or are taken to become others: see {@link SessionStore}. */
export interface RedisEnds extends Pick<SessionStore, 'end' | 'take' | 'confirm' | 'putBack' | 'revoke'> {
  /**
   * Says `ended` under each session's key, and only then takes it out of its user's list. The word stays until
   * a login with the same code, or one that is about to create the session, can no longer be under way.
   */
  endAll(user: string, ids: string[]): Promise<void>
  /** Takes sessions out of their user's list. */
  leave(user: string, ids: string[]): Promise<void>
  /** Ends a session that was created a moment ago, and is not to be: what it took the place of can be put back. */
  retract(id: string, user: string, replaces: Taking | undefined): Promise<void>
}

export interface RedisEndsOptions {
  connection: Connection
  run: Run
  keys: RedisKeys
  revocations: RevocationOrder
  /** A session has changed. */
  forget(id: string): void
}

export function redisEnds({ connection, run, keys, revocations, forget }: RedisEndsOptions): RedisEnds {
  return {
    endAll,
    leave,
    confirm,

    async retract(id, user, replaces) {
      await run(END, keys.session(id), [CODE_MEMORY, replaces?.user === user ? replaces.id : ''])
      forget(id)
    },

    async end(id, user) {
      const { wasKnown, ended } = await endOne(id)
      await leave(user, ended)
      return wasKnown
    },

    async take({ id, token, successor }) {
      const value = await run(TAKE, keys.session(id), [token, successor, CODE_MEMORY])
      forget(id)
      const record = parseSession(value as string | null)
      return record && record.expires > Date.now() ? record : undefined
    },

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, user, token, successor } = taking
      // A guest is not their user: who ends that one's session, to make room or by a revocation, ends no guest.
      const isGuest = isOfGuest(await (await connection.client()).get(keys.session(id)))
      const mayEnd = endSuccessorOf === undefined ? 0 : 1
      const found = await run(ABANDON, keys.session(successor), [isGuest ? '' : id, CODE_MEMORY, mayEnd])
      forget(successor)
      if (found === 'session') {
        await confirm(taking)
        return 'succeeded'
      }
      if (endSuccessorOf !== undefined && endSuccessorOf !== user) await leave(endSuccessorOf, [successor])
      // Before it is back: a revocation that was interrupted has still to end it.
      if ((found === 'ended' && !isGuest) || !(await isEnrolled(user, id))) {
        await endOne(id)
        await leave(user, [id, successor])
        return 'over'
      }
      const isThere = await run(PUT_BACK, keys.session(id), [token, Date.now(), CODE_MEMORY])
      forget(id)
      if (isThere === 'session') await run(UNDO_ENROLL, keys.user(user), [id, successor])
      else await leave(user, isThere === 'taken' ? [successor] : [id, successor])
      return isThere === 'over' ? 'over' : 'back'
    },

    async revoke(user) {
      let ids: string[] = []
      await revocations.revoking(user, async () => {
        const [at = '', ...found] = (await run(REVOKE, keys.user(user), [CODE_MEMORY])) as string[]
        ids = found
        return at
      })
      await endAll(user, ids)
    },
  }

  /** Ends what stands under an id, and what it has become: these ids, and whether something stood there. */
  async function endOne(id: string): Promise<{ wasKnown: boolean; ended: string[] }> {
    let wasKnown = 0
    const ended = new Set<string>()
    // One that was put back leads to what it was to become, and back.
    for (let next = id; next !== '' && !ended.has(next); ) {
      const [stood, successor] = (await run(END, keys.session(next), [CODE_MEMORY, ''])) as [number, string]
      forget(next)
      if (next === id) wasKnown = stood
      ended.add(next)
      next = successor
    }
    return { wasKnown: wasKnown === 1, ended: [...ended] }
  }

  async function endAll(user: string, ids: string[]): Promise<void> {
    if (ids.length === 0) return
    const ends = await Promise.all(ids.map(endOne))
    await leave(
      user,
      ends.flatMap(({ ended }) => ended),
    )
  }

  async function confirm({ id, user, token }: Taking): Promise<void> {
    const isOver = await run(CONFIRM, keys.session(id), [token, CODE_MEMORY])
    forget(id)
    if (isOver === 1) await leave(user, [id])
  }

  /** Whether a session is on its user's list, and was not revoked. */
  async function isEnrolled(user: string, id: string): Promise<boolean> {
    const end = await (await connection.client()).hGet(keys.user(user), id)
    return typeof end === 'string' && end !== '0'
  }

  async function leave(user: string, ids: string[]): Promise<void> {
    await (await connection.client()).hDel(keys.user(user), ids)
  }
}

/** Of a session that stands there, or of one that was taken. */
function isOfGuest(value: string | null): boolean {
  const parsed = parseValue(value)
  return (parsed?.kind === 'taken' || parsed?.kind === 'session') && parsed.record.user === null
}
