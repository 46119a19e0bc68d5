import { OutgoingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'

/** An answer that a handler makes, and that nobody has seen yet. */
export interface HeldAnswer {
  /** Resolves when the handler begins to answer, to the status that it answers with. */
  readonly begun: Promise<number>
  hasBegun(): boolean
  /** Whether it is held, and has begun, and has no end yet. */
  isHalf(): boolean
  /** Lets the answer go out as the handler has made it, and goes on to make it. Throws what Node refuses of it. */
  release(): void
  /** Forgets it: what `answer` writes goes out in its place, and what the handler writes later goes nowhere. */
  replace(answer: (end: (text?: string) => void) => void): void
  /** Forgets it, and takes another one. */
  forget(): void
}

const METHODS = ['writeHead', 'write', 'end', 'flushHeaders'] as const

type Method = (typeof METHODS)[number]
type Call = (...args: unknown[]) => unknown

/**
 * Keeps what is written to a response until somebody says that it may go out. The handler sees a response that takes its
 * time: `write()` says that the buffer is full, and `drain` follows.
 *
 * The first answer counts. Until it is out, `headersSent` is false, so an error handler may try to make another one. What
 * Node throws of a call, it throws here too.
 */
export function holdAnswer(response: ServerResponse): HeldAnswer {
  const methods = response as unknown as Record<Method, Call>
  const below = Object.fromEntries(METHODS.map((name) => [name, methods[name]])) as Record<Method, Call>
  const calls: [name: Method, args: unknown[]][] = []
  let state: 'held' | 'open' | 'closed' = 'held'
  let isEnded = false
  let restoreHead = () => {}
  const streams = new Set<Readable>()
  /** Who waits for `drain`. What wraps the response, such as a compression, may keep such listeners for itself. */
  const waiting: (() => void)[] = []
  const { on } = response
  let begin: (status: number) => void = () => {}
  const begun = new Promise<number>((resolve) => {
    begin = resolve
  })

  response.on('pipe', addStream)
  response.on = (name: string | symbol, listener: (...args: never[]) => void) => {
    if (name === 'drain' && state === 'held') waiting.push(listener as () => void)
    return Reflect.apply(on, response, [name, listener])
  }

  for (const name of METHODS) {
    methods[name] = (...args) => {
      // Where something before us ends the answer later, Node asks for its head later, too. Where something before us has
      // begun it, Node refuses another head.
      const isNodes = name === 'writeHead' && response.headersSent === (state === 'held')
      if (state === 'open' || isNodes) return Reflect.apply(below[name], response, args)
      check(response, name, args)
      if (state === 'closed' || !keep(name, args)) callBack(args)
      if (name === 'write') return state === 'closed'
      return name === 'flushHeaders' ? undefined : response
    }
  }

  function addStream(stream: Readable): void {
    streams.add(stream)
  }

  /** `false`: it comes too late. */
  function keep(name: Method, args: unknown[]): boolean {
    if (isEnded || (name === 'writeHead' && calls.some(([made]) => made === name))) return false
    calls.push([name, args])
    isEnded = name === 'end'
    if (calls.length > 1) return true
    restoreHead = rememberHead(response)
    begin(name === 'writeHead' ? Number(args[0]) : response.statusCode)
    return true
  }

  function release(): void {
    response.off('pipe', addStream)
    restoreHead()
    state = 'open'
    for (const [name, args] of calls) {
      // From the top: what has hooked into the headers meanwhile has something to say in them.
      if (name === 'writeHead') methods.writeHead(...args)
      else Reflect.apply(below[name], response, args)
    }
    if (!isEnded && !response.writableNeedDrain) drained()
  }

  /** Whoever waits may write. */
  function drained(): void {
    const known = response.rawListeners('drain')
    response.emit('drain')
    for (const listener of waiting.splice(0)) if (!known.includes(listener)) listener.call(response)
  }

  function replace(answer: (end: (text?: string) => void) => void): void {
    discardStreams()
    state = 'open'
    answer((text) => void Reflect.apply(below.end, response, text === undefined ? [] : [text]))
    state = 'closed'
    for (const [, args] of calls) callBack(args)
    process.nextTick(drained)
  }

  function forget(): void {
    discardStreams()
    state = 'closed'
    Object.assign(methods, below)
    // What the handler has begun may write after the end of the other answer: nobody has to hear of that.
    if (!isEnded) response.on('error', () => {})
  }

  /** Their files have to be closed; but `pipeline()` would cut the response with them, while there is one. */
  function discardStreams(): void {
    response.off('pipe', addStream)
    for (const stream of streams) {
      stream.unpipe(response)
      if (response.closed) stream.destroy()
      else response.once('close', () => stream.destroy())
    }
  }

  return {
    begun,
    hasBegun: () => calls.length > 0,
    isHalf: () => state === 'held' && calls.length > 0 && !isEnded,
    release,
    replace,
    forget,
  }
}

/** Throws what Node throws at once of such a call, whatever becomes of the answer. */
function check(response: ServerResponse, name: Method, args: unknown[]): void {
  const [first] = args
  if (name === 'writeHead') checkHead(response, args)
  else if (!(response.statusCode >= 100 && response.statusCode <= 999))
    checkHead(response, [response.statusCode])
  if (name === 'write' || (name === 'end' && first && typeof first !== 'function')) checkChunk(first)
}

/** On a response that goes nowhere. HTTP/2 has rules of its own, and throws when the answer goes out. */
function checkHead({ req }: ServerResponse, args: unknown[]): void {
  if (req.httpVersionMajor < 2)
    Reflect.apply(ServerResponse.prototype.writeHead, new ServerResponse(req), args)
}

function checkChunk(chunk: unknown): void {
  if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) new OutgoingMessage().write(chunk)
}

/** A handler that waits until its writes are out comes to its end, although they never are. */
function callBack(args: unknown[]): void {
  const done = args.at(-1)
  if (typeof done === 'function') process.nextTick(done)
}

/** Status and headers as they are now: an error handler that comes too late may change them. */
function rememberHead(response: ServerResponse): () => void {
  // Something before us has begun the answer.
  if (response.headersSent) return () => {}
  const { statusCode } = response
  // As they are spelt. HTTP/2 has lower case alone, no message, and not this method; Node's types do not know it.
  const { getRawHeaderNames } = response as { getRawHeaderNames?: () => string[] }
  const names = getRawHeaderNames?.call(response) ?? response.getHeaderNames()
  const statusMessage = getRawHeaderNames && response.statusMessage
  const headers = names.map((name) => [name, response.getHeader(name)] as const)

  return () => {
    response.statusCode = statusCode
    if (statusMessage) response.statusMessage = statusMessage
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    for (const [name, value] of headers) if (value !== undefined) response.setHeader(name, value)
  }
}
