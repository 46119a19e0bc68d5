const { timeOf } = require('./ids')
const { createOutbox } = require('./outbox')
const { pictureOf } = require('./picture')
const { actionsOf, strokesOf } = require('./sketch')

const PAGE = 20

/**
 * @typedef {'loading' | 'ready' | 'failed'} Phase of what the server has
 * @typedef {'saved' | 'waiting' | 'refused'} CardState
 * @typedef {{ id: string, picture: string, when: string, state: CardState }} Card
 * @typedef {{ phase: Phase, cards: Card[], waiting: number }} View
 */

/**
 * All drawings of the user: those that the server has, and those that it does not have yet.
 *
 * @param {object} options
 * @param {import('./api').Api} options.api
 * @param {import('./outbox').Storage} options.storage
 */
function createGallery({ api, storage }) {
  /** @type {{ id: string, actions: string }[]} */
  let saved = []
  /** @type {Phase} */
  let phase = 'loading'
  /** @type {string | undefined} */
  let next
  /** @type {Promise<void> | undefined} */
  let loading
  /** What was sent while a page was on its way: it may not be in it. @type {import('./outbox').Entry[]} */
  let news = []
  /** Pictures take longer to make than to keep. @type {Map<string, { actions: string | null, picture: string }>} */
  const pictures = new Map()
  /** @type {Set<(view: View) => void>} */
  const listeners = new Set()
  const outbox = createOutbox({ storage, api, onSent })

  return {
    view,
    load,
    save,

    /** Tells of every change, until the function that it gives is called. @param {(view: View) => void} listener */
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    /** The next page, when there is one. */
    async more() {
      const before = next
      if (before === undefined) return
      next = undefined
      try {
        const page = await api.list({ before, limit: PAGE })
        saved = [...saved, ...page.drawings.filter(({ id }) => !saved.some((other) => other.id === id))]
        next = page.next
      } catch (_error) {
        next = before
      }
      tell()
    },

    /** @param {string} id */
    strokes(id) {
      return strokesOf((drawings().find((drawing) => drawing.id === id) || { actions: null }).actions)
    },

    /** Into the phone's storage, at once; to the server with the next {@link save}. @param {string} id @param {import('./sketch').Stroke[]} strokes */
    keep(id, strokes) {
      outbox.put(id, strokes.length === 0 ? null : actionsOf(strokes))
      tell()
    },

    /** @param {string} id */
    remove(id) {
      outbox.put(id, null)
      tell()
      return save()
    },
  }

  /** Saves what waits, then gets the first page anew. Never rejects: {@link view} says how it went. */
  function load() {
    if (!loading) {
      loading = loadFirst().finally(() => {
        loading = undefined
      })
    }
    return loading
  }

  async function loadFirst() {
    if (phase === 'failed') phase = 'loading'
    tell()
    await save()
    news = []
    try {
      const page = await api.list({ limit: PAGE })
      saved = page.drawings
      for (const entry of news) apply(entry)
      next = page.next
      phase = 'ready'
    } catch (_error) {
      phase = 'failed'
    }
    tell()
  }

  /** Sends what the server does not have. Whether it has everything now; never rejects. */
  async function save() {
    try {
      await outbox.send()
      return true
    } catch (_error) {
      return false
    } finally {
      tell()
    }
  }

  /** @param {import('./outbox').Entry} entry */
  function onSent(entry) {
    news.push(entry)
    apply(entry)
    tell()
  }

  /** What the server has now. @param {import('./outbox').Entry} entry */
  function apply({ id, actions }) {
    const others = saved.filter((drawing) => drawing.id !== id)
    if (actions === null) saved = others
    else if (others.length === saved.length) saved = [{ id, actions }, ...saved]
    else saved = saved.map((drawing) => (drawing.id === id ? { id, actions } : drawing))
  }

  /** Every drawing with its state: the phone knows better than the server, where they differ. */
  function drawings() {
    const entries = outbox.entries()
    const waiting = entries.map(({ id, actions, refusal }) => {
      return { id, actions, state: /** @type {CardState} */ (refusal === undefined ? 'waiting' : 'refused') }
    })
    const rest = saved.filter(({ id }) => !entries.some((entry) => entry.id === id))
    return [
      ...waiting.filter(({ actions }) => actions !== null),
      ...rest.map((drawing) => ({ ...drawing, state: /** @type {CardState} */ ('saved') })),
    ]
  }

  /** @returns {View} */
  function view() {
    return {
      phase,
      cards: drawings().map(({ id, actions, state }) => {
        return { id, picture: picture(id, actions), when: whenOf(id), state }
      }),
      waiting: outbox.entries().filter(({ refusal }) => refusal === undefined).length,
    }
  }

  /** @param {string} id @param {string | null} actions */
  function picture(id, actions) {
    const known = pictures.get(id)
    if (known && known.actions === actions) return known.picture
    const made = pictureOf(actions)
    pictures.set(id, { actions, picture: made })
    return made
  }

  function tell() {
    if (listeners.size === 0) return
    const current = view()
    for (const listener of listeners) listener(current)
  }
}

/** @param {string} id */
function whenOf(id) {
  const time = timeOf(id)
  if (!time) return ''
  const minutes = `${time.getMinutes()}`.padStart(2, '0')
  return `${time.getMonth() + 1}月${time.getDate()}日 ${time.getHours()}:${minutes}`
}

module.exports = { createGallery }
