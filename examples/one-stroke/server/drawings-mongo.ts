import { type Collection, type Filter, MongoClient, MongoServerError } from 'mongodb'
import { within } from './deadline.js'
import { DRAWINGS_MAX, type Drawing, type DrawingStore, fillPage, type Page, placeOf } from './drawings.js'
import { DrawingError } from './errors.js'

export interface MongoOptions {
  /** `mongodb://…`, with the name of the database. */
  url: string
}

interface Stored extends Drawing {
  openId: string
  /** One of {@link DRAWINGS_MAX} places that a user has. No two drawings are in the same one. */
  slot: number
}

/** ms for one call, with all that the driver tries for it. */
const PATIENCE = 3000

/** How often a new drawing looks for a slot, when others take them at the same time. */
const ATTEMPTS_MAX = 50

/**
 * Keeps drawings in MongoDB, for servers on several machines. A single server is enough: nothing here needs
 * transactions, which only replica sets have.
 *
 * @throws {Error} when MongoDB does not answer in time
 */
export async function mongoDrawings({ url }: MongoOptions): Promise<DrawingStore> {
  const client = new MongoClient(url, {
    appName: 'one-stroke',
    // Each is one step of a call: within() is for all of them, and these see to it that what it gave up ends too.
    serverSelectionTimeoutMS: PATIENCE,
    connectTimeoutMS: PATIENCE,
    waitQueueTimeoutMS: PATIENCE,
    socketTimeoutMS: PATIENCE,
    // What is acknowledged is on disk.
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: PATIENCE },
  })
  const database = client.db()
  const drawings = database.collection<Stored>('drawings')
  try {
    await within(2 * PATIENCE, 'MongoDB', makeIndexes(drawings))
  } catch (error) {
    await client.close()
    throw error
  }

  return {
    list: (openId, page) => within(PATIENCE, 'MongoDB', list(openId, page)),
    save: (openId, drawing) => within(PATIENCE, 'MongoDB', save(openId, drawing)),
    remove: (openId, id) => within(PATIENCE, 'MongoDB', remove(openId, id)),
    isReady: () => within(PATIENCE, 'MongoDB', ping()),
    close: () => client.close(),
  }

  async function list(openId: string, { before, limit }: Page) {
    const place = before === undefined ? undefined : placeOf(before)
    const found = drawings
      .find(
        { openId, ...(place && olderThan(place)) },
        { projection: { _id: 0, id: 1, actions: 1, savedAt: 1 } },
      )
      .sort({ savedAt: -1, id: -1 })
      .limit(limit + 1)
    try {
      return await fillPage(found, limit)
    } finally {
      await found.close()
    }
  }

  /** Not one upsert, because that cannot count. The two unique indexes decide, whoever comes at the same time. */
  async function save(openId: string, { id, actions }: Pick<Drawing, 'id' | 'actions'>): Promise<void> {
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      const { matchedCount } = await drawings.updateOne({ openId, id }, { $set: { actions } })
      if (matchedCount === 1) return
      const slot = await freeSlot(openId)
      if (slot === undefined) {
        throw new DrawingError(
          'ERR_TOO_MANY_DRAWINGS',
          `You have ${DRAWINGS_MAX} drawings: delete one first.`,
        )
      }
      if (await insert({ openId, id, slot, actions, savedAt: Date.now() })) return
    }
    throw new Error(`no slot was found in ${ATTEMPTS_MAX} attempts`)
  }

  async function remove(openId: string, id: string): Promise<boolean> {
    const { deletedCount } = await drawings.deleteOne({ openId, id })
    return deletedCount === 1
  }

  async function ping(): Promise<void> {
    await database.command({ ping: 1 })
  }

  /** Any slot that is free, at random: those who come at the same time rarely want the same one. */
  async function freeSlot(openId: string): Promise<number | undefined> {
    const taken = await drawings.find({ openId }, { projection: { _id: 0, slot: 1 } }).toArray()
    const isTaken = new Set(taken.map(({ slot }) => slot))
    const free = Array.from({ length: DRAWINGS_MAX }, (_, slot) => slot).filter((slot) => !isTaken.has(slot))
    return free[Math.floor(Math.random() * free.length)]
  }

  /** `false` when the user has a drawing with this id, or in this slot. */
  async function insert(drawing: Stored): Promise<boolean> {
    try {
      await drawings.insertOne(drawing)
      return true
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false
      throw error
    }
  }
}

/** https://www.mongodb.com/docs/manual/reference/error-codes/ */
const DUPLICATE_KEY = 11000

async function makeIndexes(drawings: Collection<Stored>): Promise<void> {
  await drawings.createIndexes([
    { key: { openId: 1, id: 1 }, unique: true },
    { key: { openId: 1, slot: 1 }, unique: true },
    { key: { openId: 1, savedAt: -1, id: -1 } },
  ])
}

function olderThan({ savedAt, id }: Pick<Drawing, 'savedAt' | 'id'>): Filter<Stored> {
  return { $or: [{ savedAt: { $lt: savedAt } }, { savedAt, id: { $lt: id } }] }
}
