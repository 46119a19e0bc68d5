import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'

/** A key and its certificate, as PEM. */
export interface TlsFiles {
  key: string | Buffer
  cert: string | Buffer
}

/** A server on 127.0.0.1 that speaks HTTP, and with a certificate HTTPS on the same port. */
export interface Listener {
  /** Resolves to the port. Rejects with Node's own error: EADDRINUSE, EACCES. */
  listen(port: number): Promise<number>
  /** Stops listening, and cuts every connection. */
  close(): Promise<void>
}

/** The first byte of a TLS connection: a handshake record (RFC 8446, 5.1). No HTTP method begins with it. */
const TLS_HANDSHAKE = 22

export function createListener(handle: RequestListener, tls: TlsFiles | undefined): Listener {
  const http = createServer(handle)
  const https = tls && createTlsServer(tls, handle)
  const sockets = new Set<Socket>()
  const front = https === undefined ? http : createTcpServer((socket) => sort(socket, http, https))
  front.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  return {
    async listen(port) {
      front.listen(port, '127.0.0.1')
      await once(front, 'listening')
      return (front.address() as AddressInfo).port
    },

    async close() {
      if (!front.listening) return
      const closed = once(front, 'close')
      front.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Gives a connection to the server whose language it begins to speak. */
function sort(socket: Socket, http: Server, https: TlsServer): void {
  socket.on('error', () => socket.destroy())
  socket.once('data', (bytes: Buffer) => {
    socket.pause()
    socket.unshift(bytes)
    const server = bytes[0] === TLS_HANDSHAKE ? https : http
    server.emit('connection', socket)
    process.nextTick(() => socket.resume())
  })
}
