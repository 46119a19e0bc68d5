import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WeappSessionError } from './errors.js'
import {
  type Claim,
  CODE_MEMORY,
  type NewSession,
  type SessionRecord,
  type SessionStore,
  type Taking,
} from './store.js'

/** A session that was taken, as it was then. */
export interface Taken {
  taking: Taking
  record: SessionRecord
}

/** Makes one session of another: when its credential changes, or when a guest logs in. */
export interface Successions {
  /**
   * Takes the old session, for a successor that has its claim already. From here on its credential is good for nobody.
   * `undefined`: it is over, or another request has it.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE, and the old session is as it was, or will be soon
   */
  take(old: { id: string; user: string }, successor: { id: string; claim: Claim }): Promise<Taken | undefined>
  /**
   * Creates a session, in the place of the taken one if there is any. `false`, or an error: there is no new session, and
   * the old one is as it was, or will be soon.
   */
  create(session: NewSession, taken: Taken | undefined): Promise<boolean>
  /** The old session as it was, because its successor shall not be. */
  putBack(taken: Taken, claim: Claim): Promise<void>
}

/** ms between the tries to put a session back, while the store does not answer. */
const PAUSES = [250, 500, 1000, 2000, 4000, 8000]

/**
 *     old     session ──take──▶ taken ─────────────────────────▶ (forgotten)
 *     new     ──claim──▶ claimed ──────create──▶ session
 *
 * The new place is claimed first, so that a store that cannot write refuses while the old session stands. Between the
 * two arrows only a crash of this process leaves the user without a session: everything else ends with the new one, or
 * with the old one put back.
 */
export function successions(store: SessionStore): Successions {
  return {
    async take(old, { id: successor, claim }) {
      const taking: Taking = { ...old, token: randomUUID(), successor }
      try {
        const record = await askTwice(taking)
        if (!record || record.expires > Date.now()) return record && { taking, record }
        return undefined
      } catch (error) {
        await undo(taking, claim)
        throw error
      }
    },

    async create(session, taken) {
      const { taking } = taken ?? {}
      try {
        if (await store.create({ ...session, replaces: taking })) return true
      } catch (error) {
        if (!taking) throw error
        // The answer was lost, or nothing was done: whichever it is, from here on it stays so.
        if (await undo(taking, session.claim)) return true
        throw error
      }
      if (taking) await undo(taking, session.claim)
      return false
    },

    async putBack({ taking }, claim) {
      await undo(taking, claim)
    },
  }

  /** The same token gets the same answer again: an answer that came late is no reason to fail. */
  async function askTwice(taking: Taking): Promise<SessionRecord | undefined> {
    try {
      return await store.take(taking)
    } catch {
      return store.take(taking)
    }
  }

  /**
   * Puts the old session back, unless there is the new one: whether there is. Tries once before anybody is answered, and
   * goes on behind that while the store does not answer.
   */
  async function undo(taking: Taking, claim: Claim): Promise<boolean> {
    try {
      return await undoOnce(taking, claim)
    } catch {
      undoLater(taking, claim)
      return false
    }
  }

  async function undoOnce(taking: Taking, claim: Claim): Promise<boolean> {
    // First the claim: a create that is on its way must not come after this.
    await store.refuse(claim, { status: 401 }, CODE_MEMORY)
    if ((await store.read(taking.successor))?.state === 'session') return true
    await store.putBack(taking)
    return false
  }

  async function undoLater(taking: Taking, claim: Claim): Promise<void> {
    for (const pause of PAUSES) {
      await sleep(pause, undefined, { ref: false })
      const isDone = await undoOnce(taking, claim).then(
        () => true,
        () => false,
      )
      if (isDone) return
    }
  }
}

/** What is said where the session of a request was ended, or taken, while the request was served. */
export function overtaken(): WeappSessionError {
  return new WeappSessionError('ERR_SESSION_CONFLICT', {
    message: 'The session was ended, or got another credential, while this request was served.',
  })
}
