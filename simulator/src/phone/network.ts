import type { Clock } from '../clock.js'
import { type Failure, failure } from './callbacks.js'
import type { PhoneSystem } from './device.js'
import { networkTexts } from './network-texts.js'
import type { HeadersReceived } from './wx.js'

/** Requests, uploads and downloads together: developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html */
const MAX_CONCURRENT = 10

/** Sockets, which do not wait for a place (same page). */
const MAX_SOCKETS = 5

/** Milliseconds that a call may go on after the app left the foreground (same page). */
const BACKGROUND_GRACE = 5000

/** One request, upload or download on its way, or a socket. */
export interface Transfer {
  /** It has its place. */
  begin(): void
  /** It ends: `reason` is what follows `fail` in its errMsg. */
  fail(reason: string, errno: number): void
  /** It ends, and nobody is told. */
  drop(): void
}

/** The network of one phone: who may use it now, and what happens to everybody on it. */
export interface Network {
  /** Begins a transfer now, or when its turn comes, or fails it. */
  enter(transfer: Transfer): void
  /** Gives a socket its place, or fails it. */
  enterSocket(socket: Transfer): void
  /** A transfer has ended, or given up waiting. */
  leave(transfer: Transfer): void
  isOffline(): boolean
  setOffline(isOffline: boolean): void
  switchNetwork(): void
  isInBackground(): boolean
  enterBackground(): void
  enterForeground(): void
  /** Drops everything; the app that starts next is in the foreground. */
  clear(): void
  /** The failure of any call that needs a network when there is none. */
  disconnected(api: string): Failure
  /** What follows `fail` in the errMsg of a call that such an error ended. */
  reasonOf(error: NodeJS.ErrnoException): string
  /** The head of an answer as it reaches the app. */
  arriving(head: HeadersReceived): HeadersReceived
}

/** What phones differ in. */
export interface NetworkKind {
  system: PhoneSystem
  /** Names of headers as the server wrote them, or in lower case, as with HTTP/2. */
  headerNames: 'asSent' | 'lowerCase'
}

export function createNetwork(clock: Clock, { system, headerNames }: NetworkKind): Network {
  const texts = networkTexts(system)
  const running = new Set<Transfer>()
  const waiting = new Set<Transfer>()
  const sockets = new Set<Transfer>()
  let isOffline = false
  let isInBackground = false
  let stopGrace = (): void => {}

  return {
    enter(transfer) {
      if (refuses(transfer)) return
      waiting.add(transfer)
      beginNext()
    },

    enterSocket(socket) {
      if (refuses(socket)) return
      if (sockets.size >= MAX_SOCKETS) {
        socket.fail(`reach max websocket connect count ${MAX_SOCKETS}`, 600007)
      } else {
        sockets.add(socket)
        socket.begin()
      }
    },

    leave(transfer) {
      waiting.delete(transfer)
      sockets.delete(transfer)
      if (running.delete(transfer)) beginNext()
    },

    isOffline: () => isOffline,

    setOffline(value) {
      isOffline = value
      if (isOffline) failAll(texts.disconnected, 600001)
    },

    // WeChat repeats none of them, because HTTP is not idempotent; what waits its turn has not been sent
    // and goes on: developers.weixin.qq.com/community/develop/doc/000c44ee3684d89640822bd6b6b800
    switchNetwork() {
      for (const transfer of [...running, ...sockets]) transfer.fail(texts.changed, 600001)
    },

    isInBackground: () => isInBackground,

    enterBackground() {
      isInBackground = true
      stopGrace = clock.after(BACKGROUND_GRACE, () => failAll('interrupted', 600003))
    },

    enterForeground,

    clear() {
      enterForeground()
      const transfers = [...waiting, ...running, ...sockets]
      for (const places of [waiting, running, sockets]) places.clear()
      for (const transfer of transfers) transfer.drop()
    },

    disconnected: (api) => failure(api, texts.disconnected, 600001),
    reasonOf: texts.of,
    arriving: (head) => (headerNames === 'lowerCase' ? inLowerCase(head) : head),
  }

  function enterForeground(): void {
    isInBackground = false
    stopGrace()
  }

  /** Fails what wants to use the network when nothing may. */
  function refuses(transfer: Transfer): boolean {
    if (isOffline) transfer.fail(texts.disconnected, 600001)
    else if (isInBackground) transfer.fail('interrupted', 600003)
    return isOffline || isInBackground
  }

  function beginNext(): void {
    for (const transfer of waiting) {
      if (running.size >= MAX_CONCURRENT) return
      waiting.delete(transfer)
      running.add(transfer)
      transfer.begin()
    }
  }

  /** Those that wait go first, or they would take the places that become free. */
  function failAll(reason: string, errno: number): void {
    for (const transfer of [...waiting, ...running, ...sockets]) transfer.fail(reason, errno)
  }
}

function inLowerCase({ header, ...head }: HeadersReceived): HeadersReceived {
  const entries = Object.entries(header).map(([name, value]) => [name.toLowerCase(), value] as const)
  return { ...head, header: Object.fromEntries(entries) }
}
