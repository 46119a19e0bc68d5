import { mkdirSync } from 'node:fs'
import { open } from 'lmdb'
import { DRAWINGS_MAX, type Drawing, type DrawingStore, fillPage, placeOf } from './drawings.js'
import { DrawingError } from './errors.js'

export interface EmbeddedOptions {
  /**
   * Made when it is not there. On a disk of this machine: LMDB locks by shared memory, which network file systems and
   * processes in different containers do not share as it needs.
   */
  folder: string
}

/**
 * Keeps drawings in a folder, with LMDB: nothing to install, nothing to run. Several processes of one machine may use
 * one folder at a time. Each call is one transaction; one that a killed process had begun leaves nothing behind.
 */
export function embeddedDrawings({ folder }: EmbeddedOptions): DrawingStore {
  mkdirSync(folder, { recursive: true })
  const db = open({
    path: folder,
    // By default a write is acknowledged before it is on disk.
    overlappingSync: false,
  })
  const drawings = db.openDB<Omit<Drawing, 'id'>, [openId: string, id: string]>({ name: 'drawings' })
  // Their order, from the oldest to the newest.
  const order = db.openDB<true, [openId: string, savedAt: number, id: string]>({ name: 'order' })

  return {
    async list(openId, { before, limit }) {
      // What another process has saved meanwhile is seen from here on.
      db.resetReadTxn()
      return fillPage(newestFirst(openId, before), limit)
    },

    async save(openId, { id, actions }) {
      const isSaved = await db.transaction(() => {
        const known = drawings.get([openId, id])
        if (!known && countOf(openId) >= DRAWINGS_MAX) return false
        const savedAt = known?.savedAt ?? Date.now()
        drawings.put([openId, id], { actions, savedAt })
        order.put([openId, savedAt, id], true)
        return true
      })
      if (!isSaved) {
        throw new DrawingError(
          'ERR_TOO_MANY_DRAWINGS',
          `You have ${DRAWINGS_MAX} drawings: delete one first.`,
        )
      }
    },

    async remove(openId, id) {
      return db.transaction(() => {
        const known = drawings.get([openId, id])
        if (!known) return false
        drawings.remove([openId, id])
        order.remove([openId, known.savedAt, id])
        return true
      })
    },

    async isReady() {
      db.resetReadTxn()
      drawings.get(['', ''])
    },

    close: () => db.close(),
  }

  function* newestFirst(openId: string, before: string | undefined): Iterable<Drawing> {
    const place = before === undefined ? undefined : placeOf(before)
    const places = order.getKeys({
      // Keys are ordered part by part, so this is where a user's keys end.
      start: place ? [openId, place.savedAt, place.id] : [openId, Number.MAX_SAFE_INTEGER, ''],
      exclusiveStart: true,
      end: [openId, 0, ''],
      reverse: true,
    })
    for (const [, savedAt, id] of places) {
      const drawing = drawings.get([openId, id])
      if (drawing) yield { ...drawing, id, savedAt }
    }
  }

  function countOf(openId: string): number {
    return order.getKeysCount({ start: [openId, 0, ''], end: [openId, Number.MAX_SAFE_INTEGER, ''] })
  }
}
