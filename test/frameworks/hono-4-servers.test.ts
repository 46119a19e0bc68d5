import type { Server } from 'node:http'
import { type Adapter, proveServers } from './hono-servers.js'

type Sockets = Awaited<ReturnType<Adapter['serveSockets']>>

proveServers({
  name: 'hono-4-servers',
  async serveSockets(load, { fetch }) {
    const { WebSocketServer } = await load<{ WebSocketServer: new (options: object) => object }>('ws')
    const node = await load<{
      serve(options: object): Server
      upgradeWebSocket: Sockets['upgradeWebSocket']
    }>('@hono/node-server')
    const websocket = { server: new WebSocketServer({ noServer: true }) }
    const server = node.serve({ fetch, websocket, port: 0, hostname: '127.0.0.1' })
    return { server, upgradeWebSocket: node.upgradeWebSocket }
  },
})
