import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Message } from './protocol.js'

/** Pages that listen at once. */
const STREAMS_MAX = 20

/** Bytes that may wait for a page which does not read; then it is cut off, and begins anew. */
const WAITING_MAX = 4 * 1024 * 1024

/** ms between two signs of life, for pages: what is not heard of for longer is gone. */
const HEARTBEAT = 10_000

/** ms between two looks at whether the server still listens. */
const LOOK = 200

/** Event streams to the pages. They end with their server: it would wait for them for ever. */
export interface Streams {
  /** `first`: what this page is told before all else. */
  open(request: IncomingMessage, response: ServerResponse, first: () => Iterable<Message>): void
  /** Tells all pages. What nobody listens to is not made. */
  send(message: () => Message): void
  close(): void
}

export function createStreams(): Streams {
  const streams = new Map<ServerResponse, IncomingMessage>()
  let look: NodeJS.Timeout | undefined
  let heartbeat: NodeJS.Timeout | undefined

  return {
    open(request, response, first) {
      const [oldest] = streams.keys()
      if (oldest && streams.size >= STREAMS_MAX) end(oldest)
      const headers = { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' }
      // So that the connection ends with the stream, and does not wait for another request.
      response.writeHead(200, { ...headers, ...(request.httpVersionMajor === 1 && { Connection: 'close' }) })
      response.on('error', () => {})
      response.once('close', () => forget(response))
      streams.set(response, request)
      for (const message of first()) write(response, print(message))
      watch()
    },
    send(message) {
      if (streams.size === 0) return
      const text = print(message())
      for (const response of streams.keys()) write(response, text)
    },
    close() {
      for (const response of streams.keys()) end(response)
    },
  }

  function write(response: ServerResponse, text: string): void {
    response.write(text)
    if (response.writableLength > WAITING_MAX) {
      forget(response)
      response.destroy()
    }
  }

  function watch(): void {
    // Neither keeps the process alive.
    look ??= setInterval(() => {
      for (const [response, request] of streams) if (!isServed(request)) end(response)
    }, LOOK).unref()
    heartbeat ??= setInterval(() => {
      for (const response of streams.keys()) write(response, 'event: beat\ndata:\n\n')
    }, HEARTBEAT).unref()
  }

  function end(response: ServerResponse): void {
    const request = streams.get(response)
    forget(response)
    response.end()
    // The connection of HTTP/2 is for many streams, and would stay.
    if (request && !isServed(request)) (request as { stream?: Http2Stream }).stream?.session?.close()
  }

  function forget(response: ServerResponse): void {
    streams.delete(response)
    if (streams.size > 0) return
    clearInterval(look)
    clearInterval(heartbeat)
    look = undefined
    heartbeat = undefined
  }
}

/** As much of it as is needed here. */
interface Http2Stream {
  session?: { close(): void }
}

/** Whether the server of a request still takes others. Where nobody knows, it does. */
function isServed({ socket }: IncomingMessage): boolean {
  const { server } = socket as { server?: { listening?: boolean } }
  return server?.listening !== false
}

function print(message: Message): string {
  return `data: ${JSON.stringify(message)}\n\n`
}
