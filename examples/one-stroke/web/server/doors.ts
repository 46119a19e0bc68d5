import { randomBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import type { Middleware } from 'koa'
import {
  codeCarrier,
  headerCarrier,
  type SessionStore,
  type WeappSession,
  weappSession,
} from 'koa-weapp-session'
import type { Wechat } from 'weapp-simulator'
import { createApp } from '../../server/app.js'
import type { DrawingStore } from '../../server/drawings.js'
import type { CarrierName } from '../protocol.js'

/** The app's server, twice: once for each way in which its sessions can travel. One of them is open. */
export interface Doors {
  carrier: CarrierName
  answer: RequestListener
  close(): Promise<void>
}

export interface DoorsOptions {
  wechat: Wechat
  store: SessionStore
  drawings: DrawingStore
  /** What comes before all else, in this order. */
  first: Middleware[]
}

export function createDoors({ wechat, store, drawings, first }: DoorsOptions): Doors {
  const { appId, appSecret, fetch } = wechat
  const options = { appId, appSecret, store, wechat: { fetch } }
  const sessions: Record<CarrierName, WeappSession> = {
    header: weappSession({ ...options, carrier: headerCarrier({ keys: randomBytes(32) }) }),
    code: weappSession({ ...options, carrier: codeCarrier() }),
  }
  const answers: Record<CarrierName, RequestListener> = {
    header: answerOf(sessions.header),
    code: answerOf(sessions.code),
  }

  const doors: Doors = {
    carrier: 'header',
    answer: (request, response) => answers[doors.carrier](request, response),
    // They share the store.
    close: () => sessions.header.close(),
  }
  return doors

  function answerOf(session: WeappSession): RequestListener {
    // What goes wrong is in the inspector.
    return createApp({ session, drawings, first, log: () => {} }).callback()
  }
}
