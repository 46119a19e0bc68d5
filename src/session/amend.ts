import { WeappSessionError } from '../errors.js'
import type { SessionRecord, SessionStore } from '../stores/store.js'

/** Writes of others that a change can be overtaken by before it gives up. */
const TRIES = 5

/**
 * Changes a stored session, and makes the change anew where a parallel request was first. `change` is given the
 * record as it is then, and returns what it should be; or the same record, when there is nothing to change.
 * `undefined` when the session has ended meanwhile.
 *
 * @throws {WeappSessionError} ERR_SESSION_CONFLICT
 */
export async function amend(
  store: SessionStore,
  id: string,
  record: SessionRecord,
  change: (current: SessionRecord) => SessionRecord,
): Promise<SessionRecord | undefined> {
  let current = record
  for (let tries = 0; tries < TRIES; tries++) {
    const changed = change(current)
    if (changed === current) return current

    const result = await store.update(id, changed)
    if (result === 'saved') return { ...changed, rev: changed.rev + 1 }
    const entry = result === 'conflict' ? await store.read(id) : undefined
    if (entry?.state !== 'session') return undefined
    current = entry.record
  }
  throw new WeappSessionError('ERR_SESSION_CONFLICT')
}
