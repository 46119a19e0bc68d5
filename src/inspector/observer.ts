import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { Context } from 'koa'
import { channelName, type Diagnostics } from '../diagnostics.js'
import { INSPECTION, type InspectedApp, type Inspection } from '../inspection.js'
import { captureRequest, captureResponse, hasBody, pairsOf, parsedBody } from './capture.js'
import type { Journal } from './journal.js'
import type { People } from './people.js'
import type { Happening, Situation } from './protocol.js'
import { compareSignature } from './signature.js'
import { since, type Trace } from './trace.js'

const CHANNELS = [
  'identify',
  'store',
  'exchange',
  'login',
  'refusal',
  'cache',
  'breaker',
  'revoke',
] as const satisfies (keyof Diagnostics)[]

/** Steps of one request that are kept: a handler may call the store in a loop. */
const STEPS_MAX = 200

/** Writes down what happens to requests: what the middleware tells on its channels, in the async context of each. */
export interface Observer {
  /** Handles a request with `next`, and writes down what happens. */
  request(ctx: Context, next: () => Promise<unknown>, origin: Trace['replayOf']): Promise<void>
  /** Adds a step to the request that is handled just now. `false`: there is none. */
  note(text: string, ms: number): boolean
  close(): void
}

export interface ObserverOptions {
  journal: Journal
  people: People
  faults(): Situation['faults']
  /** A `weappSession()` has seen a request. */
  onApp(app: InspectedApp): void
}

export function createObserver({ journal, people, faults, onApp }: ObserverOptions): Observer {
  const current = new AsyncLocalStorage<Trace>()
  /** Where handlers began, by the process's own clock. */
  const begins = new WeakMap<Trace, number>()

  const listeners = CHANNELS.map((kind) => {
    // The types are those of `Diagnostics`: a channel itself has none.
    const listener = (message: unknown) => {
      const trace = current.getStore()
      if (trace) add(trace, { kind, ...(message as object) } as Happening, msOf(message))
      if (trace && kind === 'identify') begins.set(trace, performance.now())
    }
    return { name: channelName(kind) as string, listener }
  })
  const inspecting = (message: unknown) => {
    const trace = current.getStore()
    if (trace) inspected(trace, message as Inspection)
  }
  listeners.push({ name: INSPECTION, listener: inspecting })
  for (const { name, listener } of listeners) subscribe(name, listener)

  return {
    async request(ctx, next, origin) {
      const trace = begin(ctx, origin)
      await current.run(trace, next)
    },
    note(text, ms) {
      const trace = current.getStore()
      if (trace) add(trace, { kind: 'note', text }, ms)
      return trace !== undefined
    },
    close() {
      for (const { name, listener } of listeners) unsubscribe(name, listener)
    },
  }

  function begin(ctx: Context, replayOf: Trace['replayOf']): Trace {
    const { req, res } = ctx
    // Somebody before us has read it.
    const isRead = req.readableDidRead
    const seen = isRead ? undefined : captureRequest(req)
    const answered = captureResponse(res)
    const body = () => {
      const captured = seen?.()
      return captured?.size ? captured : (parsedBody(ctx) ?? captured)
    }
    const trace: Trace = {
      type: 'request',
      id: journal.nextId(),
      at: Date.now(),
      began: performance.now(),
      method: ctx.method,
      path: ctx.originalUrl,
      http: `HTTP/${req.httpVersion}`,
      from: req.socket.remoteAddress ?? '',
      target: targetOf(req.socket, req.httpVersionMajor === 2),
      headers: pairsOf(req.rawHeaders).filter(([name]) => !name.startsWith(':')),
      hasBody: hasBody(req),
      body,
      ...{ steps: [], app: undefined, identity: undefined, signature: undefined, response: undefined },
      ...{ faults: faults(), replayOf },
    }
    journal.put(trace)
    res.once('close', () => {
      const isAborted = !res.writableFinished
      // Nothing of the request is kept alive by what is remembered of it.
      const kept = body()
      trace.body = () => kept
      trace.response = { ...answered(), ms: performance.now() - trace.began, isAborted }
      journal.put(trace)
    })
    return trace
  }

  function add(trace: Trace, happening: Happening, ms: number): void {
    if (trace.steps.length < STEPS_MAX) trace.steps.push({ at: since(trace, ms), ms, ...happening })
  }

  function inspected(trace: Trace, message: Inspection): void {
    switch (message.kind) {
      case 'begin':
        trace.app = message.app
        onApp(message.app)
        break
      case 'identified': {
        const { appId, record } = message
        const { openId, nickName = '' } = record?.user ?? {}
        trace.identity = {
          appId,
          ...(openId !== undefined && { openId, nickName }),
          ...(record && { created: record.created, expires: record.expires }),
        }
        if (openId !== undefined) people.met(openId, nickName)
        break
      }
      case 'signature':
        void compare(trace, message)
        break
      case 'handled': {
        const began = begins.get(trace)
        if (began !== undefined) add(trace, { kind: 'handlers' }, performance.now() - began)
      }
    }
  }

  async function compare(trace: Trace, message: Extract<Inspection, { kind: 'signature' }>): Promise<void> {
    trace.signature = await compareSignature(trace, message, people)
    // Else whoever looks gets it with the answer.
    if (trace.response) journal.put(trace)
  }
}

function msOf(message: unknown): number {
  const { ms } = message as { ms?: number }
  return ms ?? 0
}

function targetOf(socket: Socket, isHttp2: boolean): Trace['target'] {
  const { localAddress: address, localPort: port } = socket
  if (address === undefined || port === undefined) return undefined
  return { address, port, isEncrypted: (socket as { encrypted?: boolean }).encrypted === true, isHttp2 }
}
