const { RefusedError } = require('./api')

/**
 * What the server does not have yet.
 *
 * @typedef {{
 *   id: string
 *   actions: string | null
 *   version: number
 *   refusal?: string
 * }} Entry `actions` is `null` for a drawing that is to be deleted; `refusal` says why the server will not take it
 *
 * @typedef {{
 *   getStorageSync(key: string): any
 *   setStorageSync(key: string, value: any): void
 *   removeStorageSync(key: string): void
 * }} Storage
 */

const INDEX = 'outbox'
const keyOf = (/** @type {string} */ id) => `outbox:${id}`

/**
 * Everything that is drawn or deleted goes into the phone's storage first, with every stroke, and leaves it when the
 * server has said that it has it. So nothing is lost when there is no network, or when the app is killed; and where an
 * answer was lost, the same is sent once more, which changes nothing.
 *
 * @param {object} options
 * @param {Storage} options.storage of `wx`
 * @param {{ save(drawing: { id: string, actions: string }): Promise<unknown>, remove(id: string): Promise<unknown> }} options.api
 * @param {(entry: Entry) => void} options.onSent the server has it now
 */
function createOutbox({ storage, api, onSent }) {
  /** @type {Promise<void> | undefined} */
  let sending

  return {
    /** To be saved; to be deleted, without actions. @param {string} id @param {string | null} actions */
    put(id, actions) {
      const { version = 0 } = read(id) || {}
      const ids = index()
      // The index first: an id without an entry is passed over, and an entry without its id would be lost.
      if (!ids.includes(id)) storage.setStorageSync(INDEX, [...ids, id])
      storage.setStorageSync(keyOf(id), { id, actions, version: version + 1 })
    },

    /** What waits, the newest first. */
    entries() {
      return entries().reverse()
    },

    /**
     * Sends what waits, one after the other; rejects when the rest has to wait. Calls at the same time are one.
     * @returns {Promise<void>}
     */
    send() {
      if (!sending) {
        sending = sendAll().finally(() => {
          sending = undefined
        })
      }
      return sending
    },
  }

  async function sendAll() {
    // Read anew each time: something may have been drawn meanwhile.
    for (let entry = next(); entry; entry = next()) {
      const refusal = await sendOne(entry)
      const current = read(entry.id)
      const isCurrent = current && current.version === entry.version
      if (refusal !== undefined) {
        if (isCurrent) storage.setStorageSync(keyOf(entry.id), { ...entry, refusal })
        continue
      }
      if (isCurrent) forget(entry.id)
      onSent(entry)
    }
  }

  /** @param {Entry} entry */
  async function sendOne({ id, actions }) {
    try {
      await (actions === null ? api.remove(id) : api.save({ id, actions }))
      return undefined
    } catch (error) {
      if (error instanceof RefusedError) return error.message
      throw error
    }
  }

  function next() {
    return entries().find(({ refusal }) => refusal === undefined)
  }

  function entries() {
    return index().flatMap((id) => read(id) || [])
  }

  /** @returns {string[]} */
  function index() {
    return storage.getStorageSync(INDEX) || []
  }

  /** @param {string} id @returns {Entry | undefined} */
  function read(id) {
    return storage.getStorageSync(keyOf(id)) || undefined
  }

  /** @param {string} id */
  function forget(id) {
    storage.removeStorageSync(keyOf(id))
    storage.setStorageSync(
      INDEX,
      index().filter((other) => other !== id),
    )
  }
}

module.exports = { createOutbox }
