import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Ids } from '../crypto/ids.js'
import { WeappSessionError } from '../errors.js'
import {
  CODE_MEMORY,
  type Entry,
  type NewSession,
  type SessionRecord,
  type SessionStore,
  type Taking,
} from '../stores/store.js'
import { pausedFor } from '../util/pauses.js'

/** A session that was taken, as it was then. */
export interface Taken {
  taking: Taking
  record: SessionRecord
}

/** Makes one session of another: when its credential changes, or when a guest logs in. */
export interface Successions {
  /**
   * Takes the old session, for a successor (its id) whose claim is there already. From here on its credential is good
   * for nobody. `undefined`: it is over, or another request has it.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE, and the old session is as it was, or will be soon
   */
  take(old: { id: string; user: string }, successor: string): Promise<Taken | undefined>
  /**
   * The same, and waits for others that have taken it: they may put it back. After about a second it is left to them.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE
   */
  takeInTurn(old: { id: string; user: string }, successor: string): Promise<Taken | undefined>
  /**
   * Creates a session in the place of the taken one. `false`, or an error: there is no new session, and the old one is
   * as it was, or both will be so soon.
   *
   * @param tell gives the new credential to its client; when it cannot (`false`), there shall be no new session
   */
  create(session: NewSession, taken: Taken, tell?: () => Promise<boolean>): Promise<boolean>
  /** The old session as it was, because its successor shall not be. */
  putBack(taken: Taken): Promise<void>
  /**
   * What a request finds that meets a taken session: what has become of it. It waits a moment for that; and where
   * nothing came of it for long, because its process has died or stands still, the session is put back.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: nobody can say yet, and to ask again makes sense
   */
  outcomeOf(id: string, entry: TakenEntry): Promise<Entry | undefined>
  /** The entry of a taken session; where it has been taken for too long, what stands there after it was put back. */
  putBackIfStale(id: string, entry: TakenEntry): Promise<Entry | undefined>
}

export type TakenEntry = Extract<Entry, { state: 'taken' }>

/** ms between the tries in the background, while the store does not answer. */
const PAUSES = [250, 500, 1000, 2000, 4000, 8000]

/** ms between two reads of a session that another request has taken. Most give it back, or end it, at once. */
const LOOKS = [10, 20, 50, 100, 200, 300, 300]

/** ms after which the process that has taken a session is believed to be dead. `onLogin` may take as long. */
const LEASE = 10_000

/**
 *     old     session ──take──▶ taken ────────────────confirm──▶ ended
 *     new     ──claim──▶ claimed ──────create──▶ session
 *
 * The new place is claimed first, so that a store that cannot write refuses while the old session stands. What begins
 * with the first arrow ends with the new session, or with the old one put back: by this process, or, where it has died,
 * by the next request with the old credential. Until it is confirmed, this process alone decides which: when the store
 * has not answered, there may be a new session whose credential nobody was given, and then that one ends. (A login's
 * credential follows from its code, so others may have it once the code is used.)
 */
export function createSuccessions(store: SessionStore, ids: Ids): Successions {
  return {
    outcomeOf,
    putBackIfStale,

    take,

    async takeInTurn(old, successor) {
      for (;;) {
        const taken = await take(old, successor)
        if (taken) return taken
        const entry = await store.read(old.id)
        // It may be back by now.
        const next = entry?.state === 'taken' ? await outcomeOf(old.id, entry).catch(() => undefined) : entry
        if (next?.state !== 'session') return undefined
      }
    },

    async create(session, { taking }, tell) {
      try {
        if (await store.create({ ...session, replaces: taking })) {
          if (tell && !(await tell())) {
            await insist(() => giveUp(session, taking))
            return false
          }
          // It is created, whatever comes of this.
          await insist(() => store.confirm(taking))
          return true
        }
      } catch (error) {
        if (await insist(() => giveUp(session, taking))) return true
        throw error
      }
      await undo(taking)
      return false
    },

    async putBack({ taking }) {
      await undo(taking)
    },
  }

  async function take(old: { id: string; user: string }, successor: string): Promise<Taken | undefined> {
    const taking: Taking = { ...old, token: randomUUID(), successor }
    try {
      const record = await askTwice(taking)
      return record && { taking, record }
    } catch (error) {
      await undo(taking)
      throw error
    }
  }

  /** The same token gets the same answer again: an answer that came late is no reason to fail. */
  async function askTwice(taking: Taking): Promise<SessionRecord | undefined> {
    try {
      return await store.take(taking)
    } catch {
      return store.take(taking)
    }
  }

  async function undo(taking: Taking): Promise<void> {
    await insist(() => store.putBack(taking))
  }

  /**
   * Undoes what an unanswered create may have done, and puts the old session back. Not where the code of the login is
   * used: other requests with it may have been given the new session, and so is whoever repeats it. Whether that is so.
   */
  async function giveUp({ id, user, claim }: NewSession, taking: Taking): Promise<boolean> {
    if (claim.id !== id) {
      await store.refuse(claim, { status: 401 }, CODE_MEMORY)
      if ((await store.read(claim.id))?.state === 'used') return (await store.putBack(taking)) === 'succeeded'
    }
    await store.putBack(taking, { endSuccessorOf: user })
    return false
  }

  /** Tries once before the request is answered; while the store does not answer, tries again in the background. */
  async function insist<Result>(step: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await step()
    } catch {
      retryInBackground(step)
      return undefined
    }
  }

  async function retryInBackground(step: () => Promise<unknown>): Promise<void> {
    for (const pause of PAUSES) {
      await sleep(pause, undefined, { ref: false })
      const isDone = await step().then(
        () => true,
        () => false,
      )
      if (isDone) return
    }
  }

  async function outcomeOf(id: string, entry: TakenEntry): Promise<Entry | undefined> {
    for (const pause of LOOKS) {
      const now = await putBackIfStale(id, entry)
      if (now?.state !== 'taken') return now
      await sleep(pause)
      const next = await store.read(id)
      if (next?.state !== 'taken') return next
      entry = next
    }
    throw new WeappSessionError('ERR_STORE_UNAVAILABLE', {
      retryAfter: 1,
      message: 'The session is getting another credential right now: keep it, and try again.',
    })
  }

  async function putBackIfStale(id: string, entry: TakenEntry): Promise<Entry | undefined> {
    // Where this process stood still, the one that has taken it may have, too: in a container that was frozen.
    if (entry.age - pausedFor(entry.age) < LEASE) return entry
    const { successor, token, record } = entry
    await store.putBack({ id, user: ids.owner(record.user, id), token, successor })
    return store.read(id)
  }
}

/**
 * The credential is no good because its session got another one, and lives: the client has that one, or its answer is on
 * the way.
 */
export class SupersededError extends WeappSessionError {
  constructor() {
    super('ERR_SESSION_EXPIRED', { message: 'The session has another credential by now: send that one.' })
  }
}

/** What is said where the client could not be told of another credential. */
export function untold(): WeappSessionError {
  return new WeappSessionError('ERR_SESSION_CONFLICT', {
    message:
      "The answer's headers are sent: it cannot bring another credential any more, so nothing has changed.",
  })
}

/** What is said where the session of a request was ended, or taken, while the request was served. */
export function overtaken(): WeappSessionError {
  return new WeappSessionError('ERR_SESSION_CONFLICT', {
    message: 'The session has expired, was ended, or got another credential, while this request was served.',
  })
}
