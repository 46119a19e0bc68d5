import { isObject } from '../../util/json.js'
import { type Claim, CODE_MEMORY } from '../store.js'
import { entriesOf } from './entries.js'
import { keyedMutex } from './mutex.js'
import type { KeyValuePort } from './port.js'
import { isWritten, type Written } from './written.js'

/** A session on its user's list. */
interface Enrolment {
  id: string
  /** Unix ms. */
  expires: number
}

/** What the parts of this store work on: its entries, and the locks of this process on them. */
export interface Database {
  /** What stands under an id. An entry that this package did not write counts as ended: no session, and not free. */
  look(id: string): Promise<Written | undefined>
  /** Writes what stands under an id, for `ttl` ms; a session stays until its end at least. */
  write(id: string, written: Written, ttl?: number): Promise<void>
  /** Does work while nothing else in this process changes what stands under the id. */
  lockId<T>(id: string, work: () => Promise<T>): Promise<T>
  /**
   * The same for a user's list. The work may lock ids; work that has locked an id locks no user: so there is no
   * deadlock.
   */
  lockUser<T>(user: string, work: () => Promise<T>): Promise<T>
  /** The list of a user's sessions, without expired ones. Whoever changes it has locked the user. */
  listOf(user: string): Promise<Enrolment[]>
  writeList(user: string, enrolled: Enrolment[]): Promise<void>
  /** Adds a session to its user's list, in the place of `replaced`, if that is there. */
  addToList(user: string, enrolment: Enrolment, replaced?: string): Promise<void>
  removeFromList(user: string, ids: string[]): Promise<void>
  /** Remembers that the user is revoked now. */
  markRevoked(user: string): Promise<void>
  /** Whether the user was revoked after a login or a taking began. */
  isRevoked(user: string, since: Pick<Claim, 'began'>): Promise<boolean>
  /** About Unix ms, and never the same twice: so the order of two events in this process is always certain. */
  stamp(): number
}

/** `timeout`: ms that a caller waits. */
export function createDatabase(store: KeyValuePort, prefix: string, timeout: number): Database {
  const entries = entriesOf(store, prefix, timeout)
  const mutex = keyedMutex(timeout)
  const idKey = (id: string) => `s:${id}`
  const listKey = (user: string) => `u:${user}`
  const revocationKey = (user: string) => `r:${user}`
  let lastStamp = 0

  return {
    async look(id) {
      const value = await entries.get(idKey(id))
      return value === undefined || isWritten(value) ? value : { state: 'ended' }
    },

    async write(id, written, ttl = CODE_MEMORY) {
      // A session that is shorter than the life of its code stays that long: the code must not be exchanged again.
      const end = Date.now() + ttl
      const until = written.state === 'session' ? Math.max(written.record.expires, end) : end
      await entries.set(idKey(id), written, until)
    },

    lockId: (id, work) => mutex.run(idKey(id), work),
    lockUser: (user, work) => mutex.run(listKey(user), work),
    listOf,
    writeList,

    async addToList(user, enrolment, replaced) {
      const others = (await listOf(user)).filter(({ id }) => id !== enrolment.id && id !== replaced)
      await writeList(user, [...others, enrolment])
    },

    async removeFromList(user, ids) {
      const enrolled = await listOf(user)
      const rest = enrolled.filter(({ id }) => !ids.includes(id))
      if (rest.length < enrolled.length) await writeList(user, rest)
    },

    async markRevoked(user) {
      await entries.set(revocationKey(user), stamp(), Date.now() + CODE_MEMORY)
    },

    async isRevoked(user, { began }) {
      const revoked = await entries.get(revocationKey(user))
      return typeof revoked === 'number' && revoked >= began
    },

    stamp,
  }

  async function listOf(user: string): Promise<Enrolment[]> {
    const value = await entries.get(listKey(user))
    return Array.isArray(value) ? value.filter(isEnrolment).filter(({ expires }) => expires > Date.now()) : []
  }

  async function writeList(user: string, enrolled: Enrolment[]): Promise<void> {
    const last = Math.max(0, ...enrolled.map(({ expires }) => expires))
    if (enrolled.length > 0) await entries.set(listKey(user), enrolled, last)
    else await entries.remove(listKey(user))
  }

  function stamp(): number {
    lastStamp = Math.max(Date.now(), lastStamp + 0.001)
    return lastStamp
  }
}

function isEnrolment(value: unknown): value is Enrolment {
  return isObject(value) && typeof value.id === 'string' && typeof value.expires === 'number'
}
