import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryStore, redisStore } from 'koa-weapp-session'
import { type Inspector, inspector } from 'koa-weapp-session/inspector'
import { createWechat, type Wechat } from 'weapp-simulator'
import type { DrawingStore } from '../../server/drawings.js'
import { embeddedDrawings } from '../../server/drawings-embedded.js'
import { type Situation, USERS } from '../protocol.js'
import { agingStore } from './aging-store.js'
import { bundle } from './bundle.js'
import { createCredentials } from './credentials.js'
import { createDoors } from './doors.js'
import { createExperiments } from './experiments.js'
import { isForUs } from './guard.js'
import { createPhones } from './phones.js'
import { createSite } from './site.js'

export interface DemoOptions {
  /** On 127.0.0.1; any other when it is taken. */
  port: number
  /** Where drawings are kept. */
  folder: string
  /** Where sessions are kept. Default: in memory. */
  redisUrl?: string | undefined
}

export interface Demo {
  url: string
  wechat: Wechat
  close(): Promise<void>
}

/** The same AppID each time: it is a part of who WeChat says that users are, and their drawings are theirs by that. */
const APP_ID = 'wx-one-stroke'

/** The server of One stroke with a simulated WeChat, two phones, and the inspector, in one process. */
export async function startDemo({ port, folder, redisUrl }: DemoOptions): Promise<Demo> {
  const wechat = createWechat({ appId: APP_ID })
  const inspect = inspector()
  const credentials = createCredentials()
  const store = agingStore(redisUrl === undefined ? memoryStore() : redisStore({ url: redisUrl }))
  const drawings = embeddedDrawings({ folder })
  const doors = createDoors({
    ...{ wechat, store, drawings: noted(drawings, inspect) },
    first: [inspect, credentials.watch],
  })

  const assets = await bundle(wechat.appId)

  // From here on nothing is waited for: a request that comes at once has somebody who answers it.
  const server = await listen(port)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const phones = createPhones(wechat, origin)
  const experiments = createExperiments({
    ...{ wechat, doors, store, phones, credentials, origin },
    note: inspect.note,
  })
  const site = createSite({ assets, experiments, situation })

  const answerSite = site.callback()
  server.on('request', (request, response) => {
    if (!isForUs(request)) response.writeHead(403).end('This server is for pages of its own.\n')
    else if (/^\/(applet|__weapp)(\/|$)/.test(request.url ?? '')) doors.answer(request, response)
    else answerSite(request, response)
  })
  server.on('upgrade', (request, socket, head) => {
    if (isForUs(request) && request.headers.origin) phones.connect(request, socket, head)
    else socket.destroy()
  })

  return {
    url: origin,
    wechat,
    async close() {
      phones.close()
      inspect.close()
      server.closeAllConnections()
      server.close()
      await wechat.close()
      await doors.close()
      await drawings.close()
    },
  }

  function situation(): Situation {
    const views = USERS.map((user) => {
      const { offline, user: identity } = phones.of(user)
      return [user, { openId: identity.openId, isOffline: offline }]
    })
    return { carrier: doors.carrier, phones: Object.fromEntries(views) as Situation['phones'] }
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw error
    return listen(0)
  }
}

/** Drawings that tell the inspector what the app does with them. */
function noted(drawings: DrawingStore, inspect: Inspector): DrawingStore {
  return {
    ...drawings,
    list: (openId, page) => told('list', drawings.list(openId, page), ({ drawings }) => drawings.length),
    save: (openId, drawing) => told('save', drawings.save(openId, drawing)),
    remove: (openId, id) => told('remove', drawings.remove(openId, id)),
  }

  async function told<T>(call: string, work: Promise<T>, countOf?: (result: T) => number): Promise<T> {
    const began = performance.now()
    const tell = (outcome: string) => inspect.note(`drawings.${call}: ${outcome}`, performance.now() - began)
    try {
      const result = await work
      tell(`${countOf?.(result) ?? 'ok'}`)
      return result
    } catch (error) {
      tell('failed')
      throw error
    }
  }
}
