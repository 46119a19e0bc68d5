import type { IncomingMessage, ServerResponse } from 'node:http'

/** Tells whoever listens that something has changed, as server-sent events: html.spec.whatwg.org/#server-sent-events */
export interface Changes {
  /** Answers with a stream of events, until the client goes. */
  stream(request: IncomingMessage, response: ServerResponse): void
  /** Something has changed. What comes in one turn of the event loop is one event. */
  announce(): void
}

export function createChanges(): Changes {
  const streams = new Set<ServerResponse>()
  let isAnnounced = false

  return {
    stream(_, response) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
      // After a second the browser tries again, when the simulator was gone.
      response.write('retry: 1000\n\nevent: change\ndata:\n\n')
      streams.add(response)
      response.once('close', () => streams.delete(response))
    },

    announce() {
      if (isAnnounced) return
      isAnnounced = true
      setImmediate(() => {
        isAnnounced = false
        for (const response of streams) response.write('event: change\ndata:\n\n')
      })
    },
  }
}
