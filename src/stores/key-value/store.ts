import { LIST_MAX, type SessionStore, type StoredSession } from '../store.js'
import { createDatabase } from './database.js'
import { endSession } from './ends.js'
import { loginsOf } from './logins.js'
import type { KeyValuePort } from './port.js'
import { findLoss, warningOfLoss } from './probe.js'
import type { KeyValueSettings } from './settings.js'
import { takingsOf } from './takings.js'
import { endsBefore, entryOf } from './written.js'

/**
 * A store of sessions over one that can read, write and remove, but not two of these in one step. In one process it keeps
 * every promise of {@link SessionStore}: there it lets one step come after the other.
 */
export function createKeyValueStore(port: KeyValuePort, settings: KeyValueSettings): SessionStore {
  const { prefix, timeout } = settings
  const db = createDatabase(warningOfLoss(port, prefix), prefix, timeout)

  return {
    timeout,
    check: () => findLoss(port, prefix),

    async read(id) {
      return entryOf(await db.look(id))
    },

    ...loginsOf(db),
    ...takingsOf(db),

    update(id, record) {
      return db.lockId(id, async () => {
        const written = await db.look(id)
        if (written?.state !== 'session') return 'ended'
        const { rev, expires } = written.record
        if (rev !== record.rev) return { met: written.record }

        await db.write(id, { state: 'session', record: { ...record, rev: rev + 1, expires } })
        return 'saved'
      })
    },

    renew(id, user, expires) {
      return db.lockUser(user, async () => {
        if (!endsBefore(await db.look(id), expires)) return
        const enrolled = await db.listOf(user)
        const mine = enrolled.find((one) => one.id === id)
        if (mine) mine.expires = expires
        await db.writeList(user, mine ? enrolled : [...enrolled, { id, expires }])
        await db.lockId(id, async () => {
          const written = await db.look(id)
          if (!endsBefore(written, expires)) return
          await db.write(id, { state: 'session', record: { ...written.record, expires } })
        })
      })
    },

    async end(id, user) {
      const wasThere = await endSession(db, id)
      await db.lockUser(user, () => db.removeFromList(user, [id]))
      return wasThere
    },

    async list(user) {
      const last = (await db.listOf(user))
        .sort((a, b) => a.expires - b.expires)
        .reverse()
        .slice(0, LIST_MAX)
      const stored = await Promise.all(
        last.map(async ({ id }) => ({ id, entry: entryOf(await db.look(id)) })),
      )
      const live = stored.flatMap(({ id, entry }): StoredSession[] =>
        entry?.state === 'session' ? [{ id, record: entry.record }] : [],
      )
      return live.sort((a, b) => b.record.created - a.record.created)
    },
  }
}
