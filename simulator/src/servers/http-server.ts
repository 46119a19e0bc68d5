import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { ApiRequest, Reply } from './answer.js'

/** WeChat's API over real HTTP on this machine. */
export interface ApiServer {
  /** Answers one request, for a server that has other things to serve as well. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Listens on 127.0.0.1; resolves to the base URL. Port 0 is any free one. */
  listen(port: number): Promise<string>
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

export function createApiServer(reply: (request: ApiRequest) => Reply, clock: Clock): ApiServer {
  const servers = new Set<Server>()

  return {
    handle,

    async listen(port) {
      const server = createServer(handle)
      servers.add(server)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      const actualPort = typeof address === 'object' ? address?.port : port
      return `http://127.0.0.1:${actualPort}`
    },

    async close() {
      const closing = [...servers].map((server) => {
        const closed = new Promise((resolve) => server.close(resolve))
        server.closeAllConnections()
        return closed
      })
      servers.clear()
      await Promise.all(closing)
    },
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    void serve(request, response)
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request)
    if (body === undefined) return

    const { method = 'GET', url = '/' } = request
    const [path = '/', search] = url.split('?')
    const { delay, outcome } = reply({ method, path, query: new URLSearchParams(search), body })
    const stopWaiting = clock.after(delay, () => send(response, outcome))
    response.once('close', stopWaiting)
  }
}

/** The text of a request; `undefined` when the client went away before it was complete. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk)
  } catch {
    return undefined
  }
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, outcome: Reply['outcome']): void {
  if (outcome === 'hang') return
  if (outcome === 'lost') response.socket?.destroy()
  else if (outcome === 'reset') response.socket?.resetAndDestroy()
  else response.writeHead(outcome.status, { 'Content-Type': outcome.contentType }).end(outcome.body)
}
