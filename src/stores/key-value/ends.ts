import type { Taking } from '../store.js'
import type { Database } from './database.js'
import { endedWith, linkOf } from './written.js'

/** Ends a session, and every id that has to end with it. Returns whether anything stood under `id`. */
export async function endSession(db: Database, id: string): Promise<boolean> {
  let wasThere = false
  const ended = new Set<string>()
  // A session that was put back and its abandoned successor name each other.
  for (let next: string | undefined = id; next !== undefined && !ended.has(next); ) {
    const end: { stood: boolean; linked: string | undefined } = await endHere(db, next)
    if (next === id) wasThere = end.stood
    ended.add(next)
    next = end.linked
  }
  return wasThere
}

/** Ends what stands under an id. Returns whether anything stood there, and the id that has to end too. */
function endHere(db: Database, id: string): Promise<{ stood: boolean; linked: string | undefined }> {
  return db.lockId(id, async () => {
    const written = await db.look(id)
    const linked = linkOf(written)
    await db.write(id, endedWith(linked))
    return { stood: written !== undefined, linked }
  })
}

/** Ends a session whose creation failed half-way. The session that it was to replace can still be put back. */
export async function undoCreate(
  db: Database,
  id: string,
  user: string,
  replaces: Taking | undefined,
): Promise<void> {
  await db.lockId(id, async () => {
    const isThere = (await db.look(id))?.state === 'session'
    await db.write(id, endedWith(isThere && replaces?.user === user ? replaces.id : undefined))
  })
}
