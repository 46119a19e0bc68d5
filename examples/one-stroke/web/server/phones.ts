import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Phone, Wechat } from 'weapp-simulator'
import { createPhoneLines } from 'weapp-simulator/open'
import { NAMES, PHONE_HEADER, USERS, type User } from '../protocol.js'

/** The phones of the simulator, and the lines on which pages use them. */
export interface Phones {
  of(user: User): Phone
  setOffline(user: User, isOffline: boolean): void
  /** A page opens a line: `/phone/line?user=…`. */
  connect(request: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

/** `origin`: where the app's server is. As with WeChat's list of domains, phones speak to no other. */
export function createPhones(wechat: Wechat, origin: string): Phones {
  const domains = [origin, origin.replace('127.0.0.1', 'localhost')]
  const phones = new Map<string, Phone>(USERS.map((user) => [user, wechat.phone(NAMES[user], { domains })]))
  const { connect, setOffline, close } = createPhoneLines({
    phone: (user) => phones.get(user),
    headers: (user) => ({ [PHONE_HEADER]: user }),
  })
  return { of: (user) => phones.get(user) as Phone, setOffline, connect, close }
}
