import type { IncomingMessage } from 'node:http'

import { headOf } from './http-client.js'
import type { HeadersReceived } from './wx.js'

/** What a socket is opened with. */
export interface Handshake {
  url: URL
  headers: Record<string, string>
  protocols: string[]
}

/** What becomes of a socket: it opens and has messages, or not, and then there is one close or error. */
export interface SocketReceiver {
  onOpen(head: HeadersReceived): void
  onMessage(data: string | ArrayBuffer): void
  /** An answer other than 101, a refused connection, or broken frames. */
  onError(error: NodeJS.ErrnoException): void
  /** 1006 when the connection just went away. */
  onClose(code: number, reason: string): void
}

/** A WebSocket over the wire. */
export interface Wire {
  /** Calls back when the message is written, or is not going to be. */
  send(data: string | ArrayBuffer, done: (error?: Error | null) => void): void
  /**
   * Says goodbye; the receiver hears of it when the server has answered.
   *
   * @throws when the code or the reason may not be sent.
   */
  close(code: number, reason: string): void
  /** Cuts it, open or not; the receiver hears no more. */
  cut(): void
}

/**
 * Opens a socket.
 *
 * @throws when a header, a protocol or the URL cannot be sent.
 */
export type Dial = (handshake: Handshake, receiver: SocketReceiver) => Wire

/** Loads the package `ws`, which only those need whose app opens sockets. Rejects when it is not there. */
export async function loadDial(): Promise<Dial> {
  const { default: WebSocket } = await import('ws').catch((cause: unknown) => {
    // The catch stands at the import itself: by that, bundlers see that it may be missing.
    throw cause
  })

  return ({ url, headers, protocols }, receiver) => {
    const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false })
    let head: HeadersReceived = { statusCode: 0, header: {}, cookies: [] }
    let isCut = false

    socket.on('upgrade', (response: IncomingMessage) => {
      head = headOf(response)
    })
    socket.on('open', () => isCut || receiver.onOpen(head))
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!isCut) receiver.onMessage(isBinary ? new Uint8Array(data).buffer : data.toString())
    })
    socket.on('error', (error) => isCut || receiver.onError(error))
    socket.on('close', (code, reason) => isCut || receiver.onClose(code, reason.toString()))

    return {
      send: (data, done) => socket.send(data, done),
      close: (code, reason) => socket.close(code, reason),
      cut() {
        isCut = true
        socket.terminate()
      },
    }
  }
}
