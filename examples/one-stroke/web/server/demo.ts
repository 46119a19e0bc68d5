import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { memoryStore, redisStore } from 'koa-weapp-session'
import { createWechat, type Wechat } from 'weapp-simulator'
import type { DrawingStore } from '../../server/drawings.js'
import { embeddedDrawings } from '../../server/drawings-embedded.js'
import { type Situation, USERS, type User } from '../protocol.js'
import { bundle } from './bundle.js'
import { createDoors } from './doors.js'
import { createExperiments } from './experiments.js'
import { isForUs } from './guard.js'
import { createPhones } from './phones.js'
import { createRecorder, type Recorder } from './recorder.js'
import { createSite } from './site.js'
import { switchableStore } from './switchable-store.js'

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
  const recorder = createRecorder()
  const store = switchableStore(redisUrl === undefined ? memoryStore() : redisStore({ url: redisUrl }))
  const drawings = embeddedDrawings({ folder })
  const doors = createDoors({ wechat, store, drawings: recorded(drawings, recorder) })

  const server = await listen(port)
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const phones = createPhones(wechat, origin)
  const experiments = createExperiments({ wechat, doors, store, phones, recorder, origin })
  const site = createSite({ assets: await bundle(wechat.appId), recorder, experiments, situation })

  const answerSite = site.callback()
  server.on('request', (request, response) => {
    if (!isForUs(request)) response.writeHead(403).end('This server is for pages of its own.\n')
    else if (request.url?.startsWith('/applet/')) {
      recorder.request(request, response, () => doors.answer(request, response))
    } else answerSite(request, response)
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
      server.closeAllConnections()
      server.close()
      recorder.close()
      await wechat.close()
      await doors.close()
      await drawings.close()
    },
  }

  async function situation(): Promise<Situation> {
    const views = await Promise.all(USERS.map(async (user) => [user, await phoneOf(user)] as const))
    return {
      store: redisUrl === undefined ? 'memory' : 'redis',
      carrier: doors.carrier,
      isStoreDown: store.isDown,
      isWechatDown: experiments.isWechatDown(),
      phones: Object.fromEntries(views) as Situation['phones'],
    }
  }

  async function phoneOf(user: User): Promise<Situation['phones'][User]> {
    const {
      offline,
      user: { openId },
    } = phones.of(user)
    const sessions = await store.sessionsOf(openId).catch(() => [])
    return {
      openId,
      isOffline: offline,
      sessions: sessions.map(({ id, record }) => ({ id: id.slice(0, 8), record: { ...record } })),
    }
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

/** Drawings that tell the recorder what the app does with them. */
function recorded(drawings: DrawingStore, recorder: Recorder): DrawingStore {
  return {
    ...drawings,
    list: (openId, page) => told('list', drawings.list(openId, page), ({ drawings }) => drawings.length),
    save: (openId, drawing) => told('save', drawings.save(openId, drawing)),
    remove: (openId, id) => told('remove', drawings.remove(openId, id)),
  }

  async function told<T>(
    call: 'list' | 'save' | 'remove',
    work: Promise<T>,
    countOf?: (result: T) => number,
  ): Promise<T> {
    const began = performance.now()
    const tell = (outcome: 'done' | 'failed', count?: number) => {
      const ms = performance.now() - began
      recorder.step({ kind: 'handler', call, outcome, ms, ...(count !== undefined && { count }) })
    }
    try {
      const result = await work
      tell('done', countOf?.(result))
      return result
    } catch (error) {
      tell('failed')
      throw error
    }
  }
}
