import { randomUUID } from 'node:crypto'
import { isObject } from '../../util/json.js'
import { checkOptions, optionError } from '../../util/option-error.js'
import { warn } from '../../util/warn.js'
import {
  type Claim,
  CODE_MEMORY,
  LIST_MAX,
  type NewSession,
  type SessionStore,
  type StoredSession,
  type Taking,
} from '../store.js'
import { entriesOf } from './entries.js'
import { turns } from './queue.js'
import type { ExpressStore } from './types.js'
import { endedWith, entryOf, isWritten, successorOf, type Written } from './written.js'

/** Options of {@link fromExpressStore}. */
export interface ExpressStoreOptions {
  /** Goes before every id, and after the prefix that the store itself has. Default `weapp-session:`. */
  prefix?: string
  /** ms for one call, which may ask the store several times; then the answer is ERR_STORE_UNAVAILABLE. Default 250. */
  timeout?: number
}

/** A session on its user's list. */
interface Enrolment {
  id: string
  /** Unix ms. */
  expires: number
}

/**
 * Keeps sessions in a store that was made for express-session: for teams that have one. **For one process**: there
 * it keeps every promise of {@link SessionStore}, as long as the store does within 10 s what it is asked. Such stores
 * can read, write and destroy, and cannot do two of these in one step; so with several processes
 *
 * - two that get the same code at the same moment may both send it to WeChat, which refuses one of them;
 * - of two changes of one session at the same moment one may be lost, without ERR_SESSION_CONFLICT;
 * - a change, or a renewal, that is under way while another process ends the session may bring it back;
 * - two logins of one user at the same moment may leave a session that `maxSessionsPerUser` does not count and
 *   `revoke()` does not find, and so may a login and a revocation;
 * - what came first, a login or a revocation, is decided by the clocks of the processes.
 *
 * `redisStore()` has none of these. In production it says so at start-up.
 *
 * Ids are at most 20 characters of this package, 22 of a hash, and your prefix. When a session ends is said in
 * `cookie.expires`, `maxAge` and `originalMaxAge`; a lifetime of the store's own must not be shorter.
 *
 * @throws {TypeError} when it is no such store, or an option makes no sense
 *
 * @example
 * import { RedisStore } from 'connect-redis'
 *
 * weappSession({ appId, appSecret, store: fromExpressStore(new RedisStore({ client })) })
 */
export function fromExpressStore(store: ExpressStore, options: ExpressStoreOptions = {}): SessionStore {
  checkOptions('fromExpressStore', options, ['prefix', 'timeout'])
  const { prefix = 'weapp-session:', timeout = 250 } = options
  checkStore(store)
  if (typeof prefix !== 'string') throw optionError('fromExpressStore({ prefix }) must be a text')
  if (!Number.isFinite(timeout) || timeout <= 0) {
    throw optionError('fromExpressStore({ timeout }) must be a positive number of ms')
  }
  if (process.env.NODE_ENV === 'production') {
    warn(
      'WEAPP_EXPRESS_STORE',
      'Sessions are in a store of express-session: good for one process. With several, codes may be exchanged ' +
        'twice, changes lost and revocations missed. Give weappSession() a redisStore().',
    )
  }

  const entries = entriesOf(store, prefix, timeout)
  // A user's turn may hold that of an id, never the other way round: so nobody waits in a circle.
  const { take: inTurn } = turns(timeout)
  const idKey = (id: string) => `s:${id}`
  const listKey = (user: string) => `u:${user}`
  const revocationKey = (user: string) => `r:${user}`
  let lastStamp = 0

  return {
    timeout,

    async read(id) {
      return entryOf(await look(id))
    },

    claim(id) {
      return inTurn(idKey(id), async () => {
        const entry = entryOf(await look(id))
        if (entry) return entry

        const claim: Claim = { id, token: randomUUID(), began: stamp() }
        await write(id, { state: 'claimed', token: claim.token, at: Date.now() })
        // Another process may have written at the same moment: whose claim stands has it.
        if (await isHeld(claim)) return { state: 'granted', claim }
        return entryOf(await look(id)) ?? { state: 'ended' }
      })
    },

    async refuse(claim, refusal, memory) {
      await replace(claim, { state: 'refused', refusal }, memory)
    },

    create({ id, user, record, claim, max, replaces }) {
      return inTurn(listKey(user), async () => {
        if ((await isRevoked(user, claim)) || !(await isHeld(claim))) return false

        const others = (await list(user))
          .filter((other) => other.id !== id && other.id !== replaces?.id)
          .sort(byEnd)
        const leavers = others.splice(0, Math.max(0, others.length + 1 - max))
        for (const leaver of leavers) await endOne(leaver.id)
        // On the list before it is there, so that a revocation finds it.
        await writeList(user, [...others, { id, expires: record.expires }])
        const isPlaced = await place({ id, user, claim, record, replaces })
        if (isPlaced && !(await isRevoked(user, claim))) return true

        if (isPlaced) await retract(id, user, replaces)
        await leave(user, [id])
        if (replaces?.user === user) await enrollAgain(replaces)
        return false
      })
    },

    update(id, record) {
      return inTurn(idKey(id), async () => {
        const written = await look(id)
        if (written?.state !== 'session') return 'ended'
        const { rev, expires } = written.record
        if (rev !== record.rev) return 'conflict'

        await write(id, { state: 'session', record: { ...record, rev: rev + 1, expires } })
        return 'saved'
      })
    },

    renew(id, user, expires) {
      return inTurn(listKey(user), async () => {
        if (!isLonger(await look(id), expires)) return
        const enrolled = await list(user)
        const mine = enrolled.find((one) => one.id === id)
        if (mine) mine.expires = expires
        await writeList(user, mine ? enrolled : [...enrolled, { id, expires }])
        await inTurn(idKey(id), async () => {
          const written = await look(id)
          if (!isLonger(written, expires)) return
          await write(id, { state: 'session', record: { ...written.record, expires } })
        })
      })
    },

    take({ id, token, successor }) {
      return inTurn(idKey(id), async () => {
        const written = await look(id)
        if (written?.state === 'taken') return written.token === token ? written.record : undefined
        if (written?.state !== 'session' || written.record.expires <= Date.now()) return undefined
        const { record } = written
        await write(id, { state: 'taken', token, successor, record, at: stamp() })
        return record
      })
    },

    confirm(taking) {
      return inTurn(listKey(taking.user), () => confirm(taking))
    },

    async putBack(taking, { endSuccessorOf } = {}) {
      const { id, user, token, successor } = taking
      const result = await inTurn(listKey(user), async () => {
        const before = await look(id)
        // A guest is not their user: who ends that one's session, to make room or by a revocation, ends no guest.
        const isGuest = before !== undefined && 'record' in before && before.record.user === null
        const mayEnd = endSuccessorOf !== undefined
        const found = await abandon(successor, isGuest ? undefined : id, mayEnd)
        if (found === 'session') {
          await confirm(taking)
          return 'succeeded'
        }
        if (found === 'ended' && !isGuest) await endOne(id)
        if (await isPutBack(id, user, token, successor)) return 'back'
        await leave(user, [id, successor])
        return 'over'
      })
      if (result !== 'succeeded' && endSuccessorOf !== undefined && endSuccessorOf !== user) {
        await inTurn(listKey(endSuccessorOf), () => leave(endSuccessorOf, [successor]))
      }
      return result
    },

    async end(id, user) {
      const wasKnown = await endOne(id)
      await inTurn(listKey(user), () => leave(user, [id]))
      return wasKnown
    },

    async list(user) {
      const last = (await list(user)).sort(byEnd).reverse().slice(0, LIST_MAX)
      const stored = await Promise.all(last.map(async ({ id }) => ({ id, entry: entryOf(await look(id)) })))
      const live = stored.flatMap(({ id, entry }): StoredSession[] =>
        entry?.state === 'session' ? [{ id, record: entry.record }] : [],
      )
      return live.sort((a, b) => b.record.created - a.record.created)
    },

    revoke(user) {
      return inTurn(listKey(user), async () => {
        // Said first: a login that is not on the list yet sees it before it is done.
        await entries.set(revocationKey(user), stamp(), Date.now() + CODE_MEMORY)
        const ids = (await list(user)).map(({ id }) => id)
        await Promise.all(ids.map((id) => endOne(id)))
        await leave(user, ids)
      })
    },
  }

  /** What stands under an id. What none of us wrote there is no session, and no free place either. */
  async function look(id: string): Promise<Written | undefined> {
    const value = await entries.get(idKey(id))
    return value === undefined || isWritten(value) ? value : { state: 'ended' }
  }

  async function write(id: string, written: Written, memory = CODE_MEMORY): Promise<void> {
    // Kept for as long as the code lives, at least: it must not be exchanged again when its session is over.
    const end = Date.now() + memory
    const until = written.state === 'session' ? Math.max(written.record.expires, end) : end
    await entries.set(idKey(id), written, until)
  }

  async function isHeld(claim: Pick<Claim, 'id' | 'token'>): Promise<boolean> {
    const written = await look(claim.id)
    return written?.state === 'claimed' && written.token === claim.token
  }

  /** Puts something in the place of a claim, if that still stands. */
  function replace(claim: Pick<Claim, 'id' | 'token'>, written: Written, memory?: number): Promise<boolean> {
    return inTurn(idKey(claim.id), async () => {
      const mayWrite = await isHeld(claim)
      if (mayWrite) await write(claim.id, written, memory)
      return mayWrite
    })
  }

  /** Puts a session in its place, and shows that its code is used up. */
  async function place({
    id,
    user,
    claim,
    record,
    replaces,
  }: Pick<NewSession, 'id' | 'user' | 'claim' | 'record' | 'replaces'>): Promise<boolean> {
    if (id === claim.id) return replace(claim, { state: 'session', record })
    // First the session: a code that is used has one.
    const isFree = await inTurn(idKey(id), async () => {
      if (await look(id)) return false
      await write(id, { state: 'session', record })
      return true
    })
    if (!isFree || (await replace(claim, { state: 'used' }))) return isFree
    await retract(id, user, replaces)
    return false
  }

  /** Ends a session that was created a moment ago, and is not to be: what it took the place of can be put back. */
  async function retract(id: string, user: string, replaces: Taking | undefined): Promise<void> {
    await inTurn(idKey(id), async () => {
      const isThere = (await look(id))?.state === 'session'
      await write(id, endedWith(isThere && replaces?.user === user ? replaces.id : undefined))
    })
  }

  /** Nothing can be created here any more, and who ends this ends the session that was taken. Else what stands here. */
  function abandon(
    successor: string,
    id: string | undefined,
    mayEnd: boolean,
  ): Promise<'abandoned' | 'session' | 'ended'> {
    return inTurn(idKey(successor), async () => {
      const written = await look(successor)
      if (written?.state === 'session' && !mayEnd) return 'session'
      const next = successorOf(written)
      // It has become another since: then it was there.
      if (next !== undefined && next !== id) return 'session'
      if (written?.state === 'ended' && next !== id) return 'ended'
      await write(successor, endedWith(id))
      return 'abandoned'
    })
  }

  /** Puts a taken session back in its user's turn. Whether it is there. */
  function isPutBack(id: string, user: string, token: string, successor: string): Promise<boolean> {
    return inTurn(idKey(id), async () => {
      const written = await look(id)
      if (written?.state !== 'taken' || written.token !== token) return written?.state === 'session'
      if (await isRevoked(user, { began: written.at })) return false
      const { record } = written
      await enlist(user, { id, expires: record.expires }, successor)
      await write(id, { state: 'session', record })
      return true
    })
  }

  async function confirm({ id, user, token, successor }: Taking): Promise<void> {
    const isOver = await inTurn(idKey(id), async () => {
      const written = await look(id)
      const isMine = written?.state === 'taken' && written.token === token
      if (isMine) await write(id, endedWith(successor))
      return isMine || (written?.state !== 'session' && written?.state !== 'taken')
    })
    if (isOver) await leave(user, [id])
  }

  /** Ends what stands under an id, and what it has become. Whether something stood there. */
  async function endOne(id: string): Promise<boolean> {
    let wasKnown = false
    const over = new Set<string>()
    // One that was put back leads to what it was to become, and back.
    for (let next: string | undefined = id; next !== undefined && !over.has(next); ) {
      const written: Written | undefined = await endHere(next)
      if (next === id) wasKnown = written !== undefined
      over.add(next)
      next = successorOf(written)
    }
    return wasKnown
  }

  /** What stood under an id, and has ended. */
  function endHere(id: string): Promise<Written | undefined> {
    return inTurn(idKey(id), async () => {
      const written = await look(id)
      await write(id, endedWith(successorOf(written)))
      return written
    })
  }

  async function isRevoked(user: string, claim: Pick<Claim, 'began'>): Promise<boolean> {
    const revoked = await entries.get(revocationKey(user))
    return typeof revoked === 'number' && revoked >= claim.began
  }

  /** A user's sessions, as far as they have not expired. */
  async function list(user: string): Promise<Enrolment[]> {
    const value = await entries.get(listKey(user))
    return Array.isArray(value) ? value.filter(isEnrolment).filter(({ expires }) => expires > Date.now()) : []
  }

  async function writeList(user: string, enrolled: Enrolment[]): Promise<void> {
    const last = Math.max(0, ...enrolled.map(({ expires }) => expires))
    if (enrolled.length > 0) await entries.set(listKey(user), enrolled, last)
    else await entries.remove(listKey(user))
  }

  /** Nothing took its place: a taken session that may be put back, or was, is on the list again. */
  async function enrollAgain({ id, user }: Taking): Promise<void> {
    const written = await look(id)
    if (written?.state !== 'taken' && written?.state !== 'session') return
    await enlist(user, { id, expires: written.record.expires })
  }

  /** Puts a session on its user's list; in the place of another, where one is named. */
  async function enlist(user: string, enrolment: Enrolment, replaced?: string): Promise<void> {
    const others = (await list(user)).filter(({ id }) => id !== enrolment.id && id !== replaced)
    await writeList(user, [...others, enrolment])
  }

  async function leave(user: string, ids: string[]): Promise<void> {
    const enrolled = await list(user)
    const rest = enrolled.filter(({ id }) => !ids.includes(id))
    if (rest.length < enrolled.length) await writeList(user, rest)
  }

  /** About Unix ms, and no two the same: of two events in this process it is always known which came first. */
  function stamp(): number {
    lastStamp = Math.max(Date.now(), lastStamp + 0.001)
    return lastStamp
  }
}

function checkStore(store: ExpressStore): void {
  const methods = ['get', 'set', 'destroy'] as const
  if (methods.some((method) => typeof store?.[method] !== 'function')) {
    throw optionError(
      'fromExpressStore() needs a store of express-session, with get, set and destroy: new RedisStore({ client }), say',
    )
  }
}

/** Whether there is a session that lives, and would live longer. */
function isLonger(
  written: Written | undefined,
  expires: number,
): written is Extract<Written, { state: 'session' }> {
  if (written?.state !== 'session') return false
  return written.record.expires > Date.now() && written.record.expires < expires
}

function byEnd(a: Enrolment, b: Enrolment): number {
  return a.expires - b.expires
}

function isEnrolment(value: unknown): value is Enrolment {
  return isObject(value) && typeof value.id === 'string' && typeof value.expires === 'number'
}
