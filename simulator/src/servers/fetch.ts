import type { Clock } from '../clock.js'
import type { ApiRequest, Reply } from './answer.js'

/** `fetch` to WeChat's API without a socket, and a way to end what hangs. */
export interface ApiFetch {
  fetch: typeof fetch
  close(): void
}

/**
 * A `fetch` that answers as api.weixin.qq.com would, whatever host it is asked for. It fails as Node's
 * does: a `TypeError('fetch failed')` whose cause has a `code`, or the reason of the aborted signal.
 */
export function createFetch(reply: (request: ApiRequest) => Reply, clock: Clock): ApiFetch {
  const pending = new Set<(error: unknown) => void>()
  let isClosed = false

  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined)
      signal?.throwIfAborted()
      const body = await request.text()
      signal?.throwIfAborted()
      if (isClosed) throw fetchFailed('ECONNREFUSED', 'the simulator is closed')

      const { pathname: path, searchParams: query } = new URL(request.url)
      return respond(reply({ method: request.method, path, query, body }), signal)
    },

    close() {
      isClosed = true
      for (const fail of pending) fail(fetchFailed('ECONNRESET', 'the simulator was closed'))
    },
  }

  function respond({ delay, outcome }: Reply, signal: AbortSignal | null | undefined): Promise<Response> {
    return new Promise((resolve, reject) => {
      // A timer for ever stands for the socket of a hanging call: the process waits for both.
      const stopWaiting = clock.after(outcome === 'hang' ? Number.POSITIVE_INFINITY : delay, answer)
      signal?.addEventListener('abort', abort)
      pending.add(fail)

      function answer(): void {
        settle()
        if (outcome === 'lost') reject(fetchFailed('UND_ERR_SOCKET', 'other side closed'))
        else if (outcome === 'reset') reject(fetchFailed('ECONNRESET', 'read ECONNRESET'))
        else if (outcome !== 'hang') {
          const { status, contentType, body } = outcome
          resolve(new Response(body, { status, headers: { 'content-type': contentType } }))
        }
      }

      function abort(): void {
        fail(signal?.reason)
      }

      function fail(error: unknown): void {
        settle()
        reject(error)
      }

      function settle(): void {
        stopWaiting()
        signal?.removeEventListener('abort', abort)
        pending.delete(fail)
      }
    })
  }
}

/** The error of Node's own `fetch` when the network fails it. */
function fetchFailed(code: string, message: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) })
}
