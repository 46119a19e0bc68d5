import { CODE_MEMORY, type Taking } from '../store.js'
import type { Database } from './database.js'
import { END } from './scripts.js'

/**
 * Ends a session, and every id that has to end with it. Returns all these ids, and whether anything stood under `id`.
 */
export async function endSession(
  { run, sessionKey, forget }: Database,
  id: string,
): Promise<{ wasThere: boolean; ended: string[] }> {
  let wasThere = 0
  const ended = new Set<string>()
  // A session that was put back and its abandoned successor name each other.
  for (let next = id; next !== '' && !ended.has(next); ) {
    const [stood, linked] = (await run(END, sessionKey(next), [CODE_MEMORY, ''])) as [number, string]
    forget(next)
    if (next === id) wasThere = stood
    ended.add(next)
    // A client may answer in bytes: what is no text would never end this.
    next = String(linked)
  }
  return { wasThere: wasThere === 1, ended: [...ended] }
}

/**
 * Ends sessions of a user, and takes them off the user's list. Each key says `ended` before its id leaves the list, and
 * says so for as long as a login with the same code, or one that is about to create the session, can be under way.
 */
export async function endSessions(db: Database, user: string, ids: string[]): Promise<void> {
  if (ids.length === 0) return
  const ends = await Promise.all(ids.map((id) => endSession(db, id)))
  await removeFromList(
    db,
    user,
    ends.flatMap(({ ended }) => ended),
  )
}

/** Ends a session whose creation failed half-way. The session that it was to replace can still be put back. */
export async function undoCreate(
  { run, sessionKey, forget }: Database,
  id: string,
  user: string,
  replaces: Taking | undefined,
): Promise<void> {
  await run(END, sessionKey(id), [CODE_MEMORY, replaces?.user === user ? replaces.id : ''])
  forget(id)
}

export async function removeFromList({ use, userKey }: Database, user: string, ids: string[]): Promise<void> {
  await use((client) => client.hDel(userKey(user), ids))
}
