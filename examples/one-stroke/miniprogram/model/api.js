/**
 * @typedef {ReturnType<typeof createApi>} Api
 */

/** The server would not take it, and will not take it later either. */
class RefusedError extends Error {}

/**
 * The three calls of the server. Each rejects with a {@link RefusedError}, or with what may be over later.
 * @param {{ request: import('weapp-session-client').Session['request'] }} session
 */
function createApi(session) {
  /**
   * What the server has to say, and the header that it says it with.
   * @param {import('weapp-session-client').RequestOptions} options
   * @returns {Promise<{ data: any, header: Record<string, unknown> }>}
   */
  async function call(options) {
    const { data, statusCode, header } = await session.request(options)
    const answer = /** @type {{ code?: number, data?: unknown, error?: { reason?: string } } | undefined} */ (
      data && typeof data === 'object' ? data : undefined
    )
    if (answer && answer.code === 0) return { data: answer.data, header }
    const reason = answer?.error?.reason || `HTTP ${statusCode}`
    const isOver = statusCode >= 500 || statusCode === 429 || statusCode === 408 || !answer
    throw isOver ? new Error(reason) : new RefusedError(reason)
  }

  return {
    /**
     * A page of the user's drawings, the newest first, and what to ask for the `next` one with.
     * @param {{ before?: string | undefined, limit: number }} page
     * @returns {Promise<{ drawings: { id: string, actions: string }[], next: string | undefined }>}
     */
    async list({ before, limit }) {
      const query = before === undefined ? '' : `&before=${encodeURIComponent(before)}`
      const { data, header } = await call({ url: `/applet/session/paints/list?limit=${limit}${query}` })
      return { drawings: data, next: headerOf(header, 'x-next-cursor') }
    },

    /** Again is fine: the same id is the same drawing. @param {{ id: string, actions: string }} drawing */
    async save({ id, actions }) {
      await call({ url: '/applet/session/paints/save', method: 'POST', data: { id, actions } })
    },

    /** Again is fine: what is not there need not be deleted. @param {string} id */
    async remove(id) {
      try {
        await call({ url: '/applet/session/paints/delete', method: 'POST', data: { id } })
      } catch (error) {
        if (!(error instanceof RefusedError && error.message === 'ERR_DRAWING_NOT_FOUND')) throw error
      }
    },
  }
}

/**
 * Over HTTP/2, names of headers are in lower case; else as the server wrote them.
 * @param {Record<string, unknown>} header
 * @param {string} name in lower case
 */
function headerOf(header, name) {
  const found = Object.keys(header).find((key) => key.toLowerCase() === name)
  return found === undefined ? undefined : String(header[found])
}

module.exports = { createApi, RefusedError }
