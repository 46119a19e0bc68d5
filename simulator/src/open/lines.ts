import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Phone } from '../phone/phone.js'
import { loadWs } from './tools.js'

/** Whose phones the pages are, and what their requests carry. */
export interface PhoneLinesOptions {
  /** The phone of a user, by the name in `?user=…`; `undefined` for nobody. */
  phone(user: string): Phone | undefined
  /** Headers that are added to each request of a user's app. Default: none. */
  headers?(user: string): Record<string, string>
}

/**
 * The lines on which pages use phones of the simulator: `wx.login`, `wx.request` and the like happen on the phone, so
 * that what goes over the wire is what a phone sends, to whatever server.
 */
export interface PhoneLines {
  /** A page opens a line: `/phone/line?user=…`. Who may do that, the server has decided before. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Switches the network of a phone off and on, and tells its pages. */
  setOffline(user: string, isOffline: boolean): void
  close(): void
}

/** What of `wx` pages may use here: the rest needs no phone. */
const APIS = ['login', 'checkSession', 'getUserInfo', 'getUserProfile', 'request', 'getRandomValues'] as const

/** Bytes of one message. */
const MESSAGE_MAX = 2 * 1024 * 1024

/**
 * Makes the lines of some phones.
 *
 * @throws {OpenError} ERR_OPEN_PACKAGES when the package `ws` is not installed
 *
 * @example
 * const phone = createWechat().phone('alice')
 * const { connect, close } = createPhoneLines({ phone: (user) => (user === 'alice' ? phone : undefined) })
 */
export function createPhoneLines({ phone: phoneOf, headers = () => ({}) }: PhoneLinesOptions): PhoneLines {
  const { WebSocketServer } = loadWs()
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX })
  const lines = new Map<string, Set<WebSocket>>()

  return {
    connect(request, socket, head) {
      const user = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('user') ?? ''
      const phone = phoneOf(user)
      if (!phone) return void socket.destroy()
      server.handleUpgrade(request, socket, head, (line) => serve(line, user, phone))
    },
    setOffline(user, isOffline) {
      const phone = phoneOf(user)
      if (!phone) return
      phone.offline = isOffline
      for (const line of lines.get(user) ?? []) tellNetwork(line, phone)
    },
    close() {
      for (const line of server.clients) line.terminate()
    },
  }

  function serve(line: WebSocket, user: string, phone: Phone): void {
    const open = lines.get(user) ?? new Set()
    lines.set(user, open)
    // Nobody has the app open on this phone: it starts now.
    if (open.size === 0) phone.coldStart()
    open.add(line)
    if (phone.offline) tellNetwork(line, phone)

    const aborts = new Map<number, () => void>()
    line.on('error', () => line.terminate())
    line.on('close', () => {
      open.delete(line)
      for (const abort of aborts.values()) abort()
    })
    line.on('message', (data) => {
      const message = parse(String(data))
      if (!message) return line.terminate()
      const { id, api, options, abort } = message
      if (abort) return aborts.get(id)?.()
      const answer = (outcome: object) => {
        aborts.delete(id)
        line.send(JSON.stringify({ id, ...outcome }))
      }
      // The button that gives the number is pressed on the page; the code is WeChat's.
      if (api === 'phoneNumber') return answer({ success: { code: phone.requestUserPhoneCode() } })
      if (!APIS.includes(api)) return answer({ fail: { errMsg: `${api}:fail not supported` } })
      const task = call(phone, api, {
        ...options,
        ...(api === 'request' && { header: { ...options?.header, ...headers(user) } }),
        success: (success: object) => answer({ success }),
        fail: (fail: object) => answer({ fail }),
      })
      if (task) aborts.set(id, () => task.abort())
    })
  }
}

/** What a page sends: see page/line.ts. */
interface Call {
  id: number
  api: (typeof APIS)[number] | 'phoneNumber'
  options?: { header?: object }
  abort?: true
}

function parse(text: string): Call | undefined {
  try {
    const message = JSON.parse(text) as Call
    return typeof message?.id === 'number' ? message : undefined
  } catch {
    return undefined
  }
}

function call({ wx }: Phone, api: (typeof APIS)[number], options: object): { abort(): void } | undefined {
  const method = wx[api] as (options: object) => { abort?(): void } | undefined
  const task = method(options)
  return typeof task?.abort === 'function' ? (task as { abort(): void }) : undefined
}

function tellNetwork(line: WebSocket, phone: Phone): void {
  line.send(JSON.stringify({ event: 'network', isConnected: !phone.offline }))
}
