import { type App, delayOf, failureOf } from './app.js'
import { callBack, type Failure, failure, type Outcome } from './callbacks.js'
import { exchange, type Message, type Receiver } from './http-client.js'
import { createListeners } from './listeners.js'
import { type AnyMishap, errCodeOf, type NetworkApi } from './mishaps.js'
import type { Network, Transfer } from './network.js'
import type { Route } from './route.js'
import type { Callbacks, HeadersReceived, Progress, RequestTask, TransferTask, WxSuccess } from './wx.js'

/** Milliseconds, when the app does not say. */
export const DEFAULT_TIMEOUT = 60_000

/** WeChat's errno for an abort is not documented; this is the documented one for an interruption. */
export const ABORTED = 600003

/** An answer that has come in completely. */
export interface Received extends HeadersReceived {
  body: Buffer
}

/** What a request, an upload or a download differ in. */
export interface TransferPlan<Result extends WxSuccess> {
  api: NetworkApi
  callbacks: Callbacks<Result>
  timeout: number | undefined
  reportsChunks: boolean
  /** Through what of WeChat it goes, if not straight to the server. */
  route?: Route | undefined
  /** What to send; a failure is the outcome, and nothing is sent. What it throws fails the call as well. */
  message(): Message | Failure
  result(received: Received): Omit<Result, 'errMsg'>
}

/** Starts a transfer. What is returned has the methods of every kind of task. */
export function startTransfer<Result extends WxSuccess>(
  { app, network }: { app: App; network: Network },
  { api, callbacks, timeout, reportsChunks, route, message, result }: TransferPlan<Result>,
): RequestTask & TransferTask {
  const headers = createListeners<HeadersReceived>()
  const chunks = createListeners<{ data: ArrayBuffer }>()
  const progress = createListeners<Progress>()
  const transfer: Transfer = { begin, fail, drop }
  const stops: (() => void)[] = []
  let wayThere = route
  let mishap: AnyMishap | undefined
  let toSend: Message
  let hasEnded = false

  if (app.isAlive()) start()

  return {
    abort: () => fail('abort', ABORTED),
    onHeadersReceived: headers.on,
    offHeadersReceived: headers.off,
    onChunkReceived: chunks.on,
    offChunkReceived: chunks.off,
    onProgressUpdate: progress.on,
    offProgressUpdate: progress.off,
  }

  function start(): void {
    mishap = app.mishap(api, route !== undefined)
    const prepared = prepare()
    if ('failure' in prepared) {
      end(prepared)
    } else {
      toSend = prepared
      network.enter(transfer)
    }
  }

  function prepare(): Message | Failure {
    try {
      return message()
    } catch (error) {
      return failure(api, textOf(error), 600000)
    }
  }

  /** It has one of the ten places: from here on it takes time. */
  function begin(): void {
    if (mishap === 'hang') return
    const planned = failureOf(mishap)
    if (planned !== undefined) {
      stops.push(app.later(() => end({ failure: planned }), delayOf(mishap)))
      return
    }
    stops.push(app.later(timeOut, timeout || DEFAULT_TIMEOUT))
    const errCode = errCodeOf(mishap)
    stops.push(app.later(() => (errCode === undefined ? send() : refuse(errCode)), delayOf(mishap)))
  }

  function send(): void {
    try {
      stops.push(exchange(wayThere?.outgoing(toSend) ?? toSend, mishap === 'lost' ? nobody() : receiver()))
    } catch (error) {
      fail(textOf(error), 600000)
    }
  }

  function receiver(): Receiver {
    const body: Uint8Array[] = []
    let head: HeadersReceived = { statusCode: 0, header: {}, cookies: [] }
    let hasHead = false
    return {
      onHead(received) {
        hasHead = true
        head = network.arriving(wayThere?.incoming(received) ?? received)
        headers.emit(head)
        if (api === 'uploadFile') progress.emit(fullProgress(toSend.body?.length ?? 0))
      },
      onChunk(chunk) {
        body.push(chunk)
        if (reportsChunks) chunks.emit({ data: new Uint8Array(chunk).buffer })
      },
      onEnd() {
        const received = { ...head, body: Buffer.concat(body) }
        if (api === 'downloadFile') progress.emit(fullProgress(received.body.length))
        end({ success: result(received), ...(wayThere?.errMsg && { errMsg: wayThere.errMsg }) })
      },
      // That an answer broke off, the phone sees for itself. Before there was one, it is what stands between that tells.
      onError: (error) => (wayThere === undefined || hasHead ? onError(error) : refuse(wayThere.unreached)),
    }
  }

  /** Receives an answer that the phone is not to have. */
  function nobody(): Receiver {
    const onEnd = () => onError(Object.assign(new Error('lost'), { code: 'ECONNRESET' }))
    return { onHead() {}, onChunk() {}, onEnd, onError }
  }

  function onError(error: NodeJS.ErrnoException): void {
    fail(network.reasonOf(error), 600001)
  }

  /** The time is that of the call: none is left to repeat it without the route. */
  function timeOut(): void {
    if (wayThere === undefined || wayThere.isRepeated(wayThere.timedOut)) fail('timeout', 5)
    else end(wayThere.failure(wayThere.timedOut))
  }

  /** What WeChat's own server refused; it may be sent once more, straight to the server. */
  function refuse(errCode: number): void {
    if (wayThere === undefined) return
    if (wayThere.isRepeated(errCode)) {
      wayThere = undefined
      send()
    } else {
      end(wayThere.failure(errCode))
    }
  }

  function fail(reason: string, errno: number): void {
    end(failure(api, reason, errno))
  }

  function end(outcome: Outcome<Result>): void {
    if (hasEnded) return
    drop()
    network.leave(transfer)
    app.later(() => callBack(api, callbacks, outcome))
  }

  function drop(): void {
    hasEnded = true
    for (const stop of stops) stop()
  }
}

/** What an error says. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A transfer is short here: its first report says that it is complete. */
function fullProgress(bytes: number): Progress {
  return {
    progress: 100,
    totalBytesSent: bytes,
    totalBytesExpectedToSend: bytes,
    totalBytesWritten: bytes,
    totalBytesExpectedToWrite: bytes,
  }
}
