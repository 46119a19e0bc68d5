import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Phone, Wechat } from 'weapp-simulator'
import { type WebSocket, WebSocketServer } from 'ws'
import { NAMES, PHONE_HEADER, USERS, type User } from '../protocol.js'

/** The phones of the simulator, and the lines on which pages use them. */
export interface Phones {
  of(user: User): Phone
  setOffline(user: User, isOffline: boolean): void
  /** A page opens a line: `/phone/line?user=…`. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

/** What of `wx` pages may use here: the rest needs no phone. */
const APIS = ['login', 'checkSession', 'getUserInfo', 'request'] as const

/** Bytes of one message: more than the server takes for a drawing. */
const MESSAGE_MAX = 2 * 1024 * 1024

/** `origin`: where the app's server is. As with WeChat's list of domains, phones speak to no other. */
export function createPhones(wechat: Wechat, origin: string): Phones {
  const domains = [origin, origin.replace('127.0.0.1', 'localhost')]
  const phones = new Map(USERS.map((user) => [user, wechat.phone(NAMES[user], { domains })]))
  const lines = new Map<User, Set<WebSocket>>(USERS.map((user) => [user, new Set()]))
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX })

  return {
    of,
    setOffline(user, isOffline) {
      of(user).offline = isOffline
      for (const line of lines.get(user) ?? []) tellNetwork(line, of(user))
    },
    connect(request, socket, head) {
      const name = new URL(request.url ?? '', origin).searchParams.get('user')
      const user = USERS.find((user) => user === name)
      if (!user) return void socket.destroy()
      server.handleUpgrade(request, socket, head, (line) => serve(line, user))
    },
    close() {
      for (const line of server.clients) line.terminate()
    },
  }

  function of(user: User): Phone {
    return phones.get(user) as Phone
  }

  function serve(line: WebSocket, user: User): void {
    const phone = of(user)
    const open = lines.get(user) as Set<WebSocket>
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
      if (!APIS.includes(api)) return answer({ fail: { errMsg: `${api}:fail not supported` } })
      const task = call(phone, api, {
        ...options,
        ...(api === 'request' && { header: { ...options?.header, [PHONE_HEADER]: user } }),
        success: (success: object) => answer({ success }),
        fail: (fail: object) => answer({ fail }),
      })
      if (task) aborts.set(id, () => task.abort())
    })
  }
}

/** What a page sends: see page/weapp/line.ts. */
interface Call {
  id: number
  api: (typeof APIS)[number]
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

function call({ wx }: Phone, api: Call['api'], options: object): { abort(): void } | undefined {
  const method = wx[api] as (options: object) => { abort(): void } | undefined
  return method(options)
}

function tellNetwork(line: WebSocket, phone: Phone): void {
  line.send(JSON.stringify({ event: 'network', isConnected: !phone.offline }))
}
