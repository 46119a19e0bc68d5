import { type App, delayOf, failureOf } from './app.js'
import { callBack, type Failure, failure, type Outcome } from './callbacks.js'
import { createListeners } from './listeners.js'
import type { AnyMishap } from './mishaps.js'
import type { Network, Transfer } from './network.js'
import { addressOf, headersOf, type Sender } from './outgoing.js'
import { type Dial, type Handshake, loadDial, type SocketReceiver, type Wire } from './socket-client.js'
import { ABORTED, DEFAULT_TIMEOUT, textOf } from './transfer.js'
import type { ConnectSocketOptions, SocketClosed, SocketTask, Wx, WxSuccess } from './wx.js'

/** Where a socket is. The call has its outcome when `creating` ends; from then on there are events. */
type Phase = 'creating' | 'connecting' | 'open' | 'closing' | 'closed'

/** Milliseconds that a server may take to answer a goodbye. */
const GOODBYE_TIMEOUT = 30_000

/** A socket that ended without a goodbye. */
const ABNORMAL: SocketClosed = { code: 1006, reason: 'abnormal closure' }

/** What a socket finds on its phone. */
interface SocketSituation {
  app: App
  network: Network
  sender: Sender
}

/** `wx.connectSocket()`: developers.weixin.qq.com/miniprogram/dev/api/network/websocket/wx.connectSocket.html */
export function socketApis(phone: SocketSituation): Pick<Wx, 'connectSocket'> {
  return { connectSocket: (options) => startSocket(phone, options) }
}

function startSocket({ app, network, sender }: SocketSituation, options: ConnectSocketOptions): SocketTask {
  const opens = createListeners<{ header: Record<string, string> }>()
  const messages = createListeners<{ data: string | ArrayBuffer }>()
  const errors = createListeners<{ errMsg: string }>()
  const closes = createListeners<SocketClosed>()
  const place: Transfer = { begin, fail, drop }
  const stops: (() => void)[] = []
  let phase: Phase = 'creating'
  let mishap: AnyMishap | undefined
  let handshake: Handshake
  let wire: Wire | undefined
  let stopTimeout = (): void => {}

  if (app.isAlive()) start()

  return {
    send({ data, ...callbacks }) {
      const done = (outcome: Outcome<WxSuccess>) =>
        app.later(() => callBack('sendSocketMessage', callbacks, outcome))
      const refuse = (reason: string) => done(failure('sendSocketMessage', reason))

      if (phase !== 'open') refuse('websocket is not connected')
      else if (!isSendable(data)) refuse('parameter error: parameter.data should be String or ArrayBuffer')
      else wire?.send(data, (error) => (error ? refuse(error.message) : done({ success: {} })))
    },

    close({ code = 1000, reason = '', ...callbacks } = {}) {
      const outcome = hangUp(code, reason)
      app.later(() => callBack('closeSocket', callbacks, outcome))
    },

    onOpen: opens.on,
    onMessage: messages.on,
    onError: errors.on,
    onClose: closes.on,
  }

  function start(): void {
    mishap = app.mishap('connectSocket')
    const prepared = handshakeOf(options, sender)
    if ('failure' in prepared) {
      refuse(prepared)
    } else {
      handshake = prepared
      network.enterSocket(place)
    }
  }

  /** It has one of the five places. */
  function begin(): void {
    if (mishap === 'hang') return
    const planned = failureOf(mishap)
    const next = planned === undefined ? create : () => refuse({ failure: planned })
    stops.push(app.later(next, delayOf(mishap)))
  }

  async function create(): Promise<void> {
    const dial = await loadDial().catch(noDial)
    if (phase !== 'creating') return
    try {
      wire = dial(handshake, receiver())
    } catch (error) {
      refuse(failure('connectSocket', textOf(error), 600000))
      return
    }

    phase = 'connecting'
    stopTimeout = app.later(() => fail('timeout'), options.timeout || DEFAULT_TIMEOUT)
    stops.push(stopTimeout)
    callBack<WxSuccess>('connectSocket', options, { success: {} })
  }

  function receiver(): SocketReceiver {
    return {
      onOpen({ header }) {
        phase = 'open'
        stopTimeout()
        opens.emit({ header })
      },
      onMessage: (data) => messages.emit({ data }),
      onError: (error) => fail(reasonOf(error, network)),
      onClose: (code, reason) => end(code === ABNORMAL.code ? ABNORMAL : { code, reason }),
    }
  }

  /** The app closes it, in whatever phase it is. */
  function hangUp(code: number, reason: string): Outcome<WxSuccess> {
    if (phase === 'closing' || phase === 'closed') return failure('closeSocket', 'websocket is not connected')
    try {
      if (phase === 'open') wire?.close(code, reason)
    } catch (error) {
      return failure('closeSocket', textOf(error))
    }

    if (phase === 'creating') fail('abort', ABORTED)
    else if (phase === 'connecting') end(ABNORMAL)
    else {
      phase = 'closing'
      stops.push(app.later(() => end(ABNORMAL), GOODBYE_TIMEOUT))
    }
    return { success: {} }
  }

  function fail(reason: string, errno?: number): void {
    if (phase === 'creating') refuse(failure('connectSocket', reason, errno))
    else end(ABNORMAL, reason)
  }

  /** There will be no socket. */
  function refuse(outcome: Failure): void {
    leave()
    app.later(() => callBack<WxSuccess>('connectSocket', options, outcome))
  }

  function end(closed: SocketClosed, errMsg?: string): void {
    if (phase === 'closed') return
    leave()
    app.later(() => {
      if (errMsg !== undefined) errors.emit({ errMsg })
      closes.emit({ ...closed })
    })
  }

  function leave(): void {
    drop()
    network.leave(place)
  }

  function drop(): void {
    phase = 'closed'
    for (const stop of stops) stop()
    wire?.cut()
  }
}

function handshakeOf(
  { url, header, protocols = [] }: ConnectSocketOptions,
  sender: Sender,
): Handshake | Failure {
  const address = addressOf('connectSocket', url, sender, ['ws:', 'wss:'])
  if ('failure' in address) return address
  return { url: address, headers: headersOf(header, sender), protocols: [...protocols] }
}

/** Dials nowhere, and says why. */
function noDial(cause: unknown): Dial {
  return () => {
    throw new Error(`needs the package ws (npm install --save-dev ws): ${textOf(cause)}`)
  }
}

/** An error of the system in WeChat's words; what `ws` says about an answer in its own. */
function reasonOf(error: NodeJS.ErrnoException, network: Network): string {
  return error.code === undefined || error.code.startsWith('WS_') ? error.message : network.reasonOf(error)
}

/** The app may come without types. */
function isSendable(data: unknown): data is string | ArrayBuffer {
  return typeof data === 'string' || data instanceof ArrayBuffer
}
