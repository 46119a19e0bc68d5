import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/** A stretch of network between a client and a server on this machine, to be spoilt. */
export interface Wire {
  readonly port: number
  /** ms that bytes take more, each way. */
  delay: number
  /** Swallows whatever comes, on connections old and new, without a word. */
  isBlackHole: boolean
  /** Connections that are open. */
  readonly connections: number
  /** Cuts every connection. */
  cut(): void
  /** Swallows whatever comes from now on on the connections that are open. New ones are as they should be. */
  forget(): void
}

/** Forwards to a port; ends with the test. */
export async function startWire(t: ExecutionContext, target: number): Promise<Wire> {
  const open = new Set<Socket>()
  const forgotten = new WeakSet<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    forward(client, upstream)
    forward(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire: Wire = {
    port: (server.address() as AddressInfo).port,
    delay: 0,
    isBlackHole: false,
    get connections() {
      return open.size / 2
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
    forget() {
      for (const socket of open) forgotten.add(socket)
    },
  }
  t.teardown(() => {
    wire.cut()
    server.close()
  })
  return wire

  function forward(from: Socket, to: Socket): void {
    open.add(from)
    from.on('data', (chunk) => {
      if (wire.isBlackHole || forgotten.has(from)) return
      if (wire.delay > 0) setTimeout(() => to.writable && to.write(chunk), wire.delay)
      else to.write(chunk)
    })
    from.on('error', () => {})
    from.on('close', () => {
      open.delete(from)
      to.destroy()
    })
  }
}
