import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** An address that leads to one port or another: a name that is changed, or a proxy. */
export interface TcpSwitch {
  port: number
  /** From now on new connections go there. Those that are open stay, unless they are cut. */
  leadTo(port: number, options?: { cut: boolean }): void
  stop(): void
}

export async function startTcpSwitch(port: number): Promise<TcpSwitch> {
  let target = port
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        open.delete(socket)
        end()
      })
    }
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }

  return {
    port: (server.address() as AddressInfo).port,
    leadTo(next, { cut } = { cut: false }) {
      target = next
      if (cut) cutAll()
    },
    stop() {
      server.close()
      cutAll()
    },
  }
}
