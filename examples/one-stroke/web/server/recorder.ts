import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Entry, type EventEntry, type RequestEntry, type Step, USERS, type User } from '../protocol.js'

/** Names the phone that sends a request. The bridge adds it, and it is the only header that is not shown. */
export const PHONE_HEADER = 'X-Inspector-Phone'

/** How many entries are remembered for pages that are opened later. */
const REMEMBERED = 200

/** Characters of a body that are shown. */
const BODY_MAX = 4000

/** Writes down what happens. The middleware tells its part on its diagnostics channels, in the context of a request. */
export interface Recorder {
  entries(): readonly Entry[]
  /** Told of each entry, and again when there is more to say about it. Gives a function that ends it. */
  onEntry(listener: (entry: Entry) => void): () => void
  /** Handles a request with `handle`, and records it where it is a phone's. */
  request(request: IncomingMessage, response: ServerResponse, handle: () => unknown): void
  /** Does something that is no request; the steps that it takes are recorded with it. */
  event(user: User, event: EventEntry['event'], work: (entry: EventEntry) => unknown): Promise<void>
  /** Adds a step to what is being done just now. */
  step(step: Step): void
  close(): void
}

const CHANNELS = ['store', 'exchange', 'login', 'refusal', 'breaker'] as const

export function createRecorder(): Recorder {
  const current = new AsyncLocalStorage<Entry>()
  const listeners = new Set<(entry: Entry) => void>()
  const entries: Entry[] = []
  let ids = 0

  const subscriptions = CHANNELS.map((kind) => {
    const name = `koa-weapp-session:${kind}`
    // The types are those of `Diagnostics`: a channel itself has none.
    const listener = (message: unknown) => step({ kind, ...(message as object) } as Step)
    subscribe(name, listener)
    return { name, listener }
  })

  return {
    entries: () => entries,
    onEntry(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    request: record,
    async event(user, event, work) {
      const entry: EventEntry = { type: 'event', id: ++ids, at: Date.now(), user, event, steps: [] }
      remember(entry)
      await current.run(entry, () => work(entry))
      tell(entry)
    },
    step,
    close() {
      for (const { name, listener } of subscriptions) unsubscribe(name, listener)
    },
  }

  function record(request: IncomingMessage, response: ServerResponse, handle: () => unknown): void {
    const user = USERS.find((user) => user === request.headers[PHONE_HEADER.toLowerCase()])
    if (!user) return void handle()

    const began = performance.now()
    const { method = '', url: path = '' } = request
    const headers = pairs(request.rawHeaders).filter(([name]) => name !== PHONE_HEADER)
    const entry: RequestEntry = {
      ...{ type: 'request', id: ++ids, at: Date.now(), user, method, path, headers },
      steps: [{ kind: 'identify', claim: claimOf(request) }],
    }
    remember(entry)
    const body = bodyOf(response)
    response.once('close', () => {
      entry.response = {
        status: response.statusCode,
        headers: namesOf(response).map((name) => [name, String(response.getHeader(name))]),
        body: body().slice(0, BODY_MAX),
        ms: performance.now() - began,
      }
      tell(entry)
    })
    current.run(entry, handle)
  }

  function step(step: Step): void {
    const entry = current.getStore()
    if (!entry) return
    entry.steps.push(step)
    tell(entry)
  }

  function remember(entry: Entry): void {
    entries.push(entry)
    if (entries.length > REMEMBERED) entries.shift()
    tell(entry)
  }

  function tell(entry: Entry): void {
    for (const listener of listeners) listener(entry)
  }
}

/** What the middleware will see in a request of `createSession()`: docs/protocol.md, "Request headers". */
function claimOf({ headers }: IncomingMessage): 'nothing' | 'session' | 'login' {
  const code = headers['weapp-code']
  if (headers['weapp-login'] || (code && headers['weapp-rawdata'])) return 'login'
  return code || headers['weapp-session'] ? 'session' : 'nothing'
}

/** Headers as they came: with their own letters, in their own order. */
function pairs(raw: string[]): [string, string][] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ''] as [string, string]] : []))
}

/** With their own letters too; Node has that, and its types do not know it. */
function namesOf(response: ServerResponse): string[] {
  return (response as ServerResponse & { getRawHeaderNames(): string[] }).getRawHeaderNames()
}

/** Keeps the text of what is sent. */
function bodyOf(response: ServerResponse): () => string {
  const chunks: string[] = []
  for (const method of ['write', 'end'] as const) {
    const original = response[method].bind(response) as (...args: unknown[]) => never
    response[method] = (...args: unknown[]) => {
      const [chunk] = args
      if (typeof chunk === 'string' || chunk instanceof Uint8Array)
        chunks.push(Buffer.from(chunk as string).toString())
      return original(...args)
    }
  }
  return () => chunks.join('')
}
