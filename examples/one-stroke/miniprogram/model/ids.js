/**
 * Drawings are named here, not on the server: so that a drawing has its name before there is a network, and saving
 * it twice saves it once.
 */

/** A name that no other drawing has. It begins with the time, from which the gallery reads when it was drawn. */
function newId(now = Date.now()) {
  const random = Math.random().toString(36).slice(2, 10)
  return `${now.toString(36)}-${random}`
}

/**
 * When a drawing was begun; nothing for a name that does not say.
 * @param {string} id
 * @returns {Date | undefined}
 */
function timeOf(id) {
  const [head = ''] = id.split('-')
  const time = Number.parseInt(head, 36)
  return /^[a-z\d]{8}$/.test(head) ? new Date(time) : undefined
}

module.exports = { newId, timeOf }
