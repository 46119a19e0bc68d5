import type { Server, ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'

/** ms that requests have to be finished, once the server is to end. */
const PATIENCE = 10_000

/** ms for which connections that are idle may still be used, by a proxy that does not know yet. */
const GRACE = 1000

/** A server that can be ended without a request being lost. */
export interface Drain {
  /**
   * Takes no more connections, answers what comes on those that there are, and tells each to end there. Resolves when
   * none is left, or when it has waited long enough. Again is fine.
   */
  drain(): Promise<void>
}

/** Has to be told of the server before its first request. */
export function drainable(server: Server): Drain {
  const inFlight = new Set<ServerResponse>()
  let draining: Promise<void> | undefined

  server.prependListener('request', (_request, response: ServerResponse) => {
    if (draining) endConnectionAfter(response)
    inFlight.add(response)
    response.once('close', () => inFlight.delete(response))
  })

  return {
    drain() {
      draining ??= drain()
      return draining
    },
  }

  async function drain(): Promise<void> {
    for (const response of inFlight) endConnectionAfter(response)
    // `server.close()` would cut idle connections at once. A request that a proxy has just sent on one of them would be
    // lost, and, being sent, must not be sent again. What it inherits from net.Server closes the door, no more.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()))
    const isDone = closed.then(() => true as const)
    if (await endsWithin(GRACE, isDone)) return
    server.closeIdleConnections()
    if (await endsWithin(PATIENCE - GRACE, isDone)) return
    server.closeAllConnections()
    await closed
  }
}

function endConnectionAfter(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

async function endsWithin(ms: number, work: Promise<true>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const isDone = await Promise.race([work, late])
  clearTimeout(timer)
  return isDone
}
