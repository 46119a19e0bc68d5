import type { Server } from 'node:http'
import { type Adapter, proveServers } from './hono-servers.js'

type Sockets = Awaited<ReturnType<Adapter['serveSockets']>>

proveServers({
  name: 'hono-4-node-ws',
  async serveSockets(load, app) {
    const { createNodeWebSocket } = await load<{
      createNodeWebSocket(options: object): {
        injectWebSocket(server: Server): void
        upgradeWebSocket: Sockets['upgradeWebSocket']
      }
    }>('@hono/node-ws')
    const { serve } = await load<{ serve(options: object): Server }>('@hono/node-server')
    const { injectWebSocket, upgradeWebSocket } = createNodeWebSocket({ app })
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    injectWebSocket(server)
    return { server, upgradeWebSocket }
  },
})
