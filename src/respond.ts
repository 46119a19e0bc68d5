import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { SessionCarrier } from './carriers/carrier.js'
import { type Diagnostics, diagnostics } from './diagnostics.js'
import { WeappSessionError } from './errors.js'
import { LOGIN_ACCEPTED, LOGIN_REQUIRED } from './protocol.js'
import type { LoadedSession, PresentedCredential } from './session/session.js'
import { beforeHeaders } from './util/before-headers.js'
import type { Wire } from './wire.js'

const ANSWER: unique symbol = Symbol('koa-weapp-session: answer')

const refusals = diagnostics('refusal')

/** Headers that described a body which is not sent after all. */
export const BODY_HEADERS: readonly string[] = [
  'Content-Disposition',
  'Content-Encoding',
  'Content-Range',
  'ETag',
  'Last-Modified',
  'Location',
  // Node refuses a trailer beside a length, and a length beside chunks is two answers to some.
  'Trailer',
  'Transfer-Encoding',
]

interface AnswerOptions {
  carrier: SessionCarrier
  wire: Wire
  refusalStatus: number | undefined
  isHandshake: boolean
}

/**
 * What we say in the headers of one answer. It is kept until they are written, so that nothing between can lose it: Koa's
 * error handler removes all headers; a proxied answer, or a fetch `Response`, brings its own `Set-Cookie`.
 */
export class Answer {
  /** The names that the request speaks. */
  wire: Wire
  /** The status of refusals, where it is not their own: with `legacyStatus`. */
  readonly refusalStatus: number | undefined
  readonly #response: ServerResponse
  readonly #carrier: SessionCarrier
  readonly #isHandshake: boolean
  #login: string | undefined
  #refusal: WeappSessionError | undefined
  #credential: Awaited<ReturnType<NonNullable<SessionCarrier['issue']>>> | undefined
  #isTakenBack = false
  #isHeld = false

  constructor(response: ServerResponse, { carrier, wire, refusalStatus, isHandshake }: AnswerOptions) {
    this.#response = response
    this.#carrier = carrier
    this.#isHandshake = isHandshake
    this.wire = wire
    this.refusalStatus = refusalStatus
  }

  /** Whether there is somebody to give a credential to, and headers to give it in. Who opens a socket reads none. */
  isOpen(): boolean {
    return !this.#isHandshake && this.isUnsent()
  }

  /** Whether the client can still be told of a refusal. */
  isUnsent(): boolean {
    const response = this.#response
    // HTTP/2 has a stream. A response that waits for the one before it on its connection has no socket of its own yet.
    const { stream } = response as { stream?: { destroyed: boolean } }
    const isGone = stream ? stream.destroyed : response.destroyed || response.req?.socket?.destroyed
    return !response.headersSent && !isGone
  }

  /** A login was accepted: a client believes nothing else. */
  acceptLogin(): void {
    this.#login = LOGIN_ACCEPTED
    this.#hold()
  }

  /** The next request has to log in. */
  requireLogin(): void {
    this.#login = LOGIN_REQUIRED
    this.#hold()
  }

  /** Gives the client the credential of a session. `false`: the headers are sent, or the client is gone. */
  async give({ credential, record }: LoadedSession): Promise<boolean> {
    const { appId, user, created, expires } = record
    const issued = await this.#carrier.issue?.({ credential, appId, user, created, expires })
    if (!this.isOpen()) return false
    this.#credential = issued
    this.#hold()
    return true
  }

  /** Takes the credential back from the client, where that can be done. */
  takeBack(): void {
    this.#credential = undefined
    this.#isTakenBack = true
    this.#hold()
  }

  /** The request is refused: by us, or by a handler that has met an error of ours. */
  refuse(error: WeappSessionError): void {
    this.#refusal = error.inNamesOf(this.wire.names)
    if (error.needsLogin) this.requireLogin()
    this.#hold()
  }

  /** The credential, for a client that reads no headers. */
  get field(): object | undefined {
    return this.#credential?.field
  }

  #hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    beforeHeaders(this.#response, () => this.#write())
  }

  #write(): void {
    const response = this.#response
    const { names, foreign } = this.wire
    for (const { login, error } of foreign) {
      response.removeHeader(login)
      response.removeHeader(error)
    }
    for (const { login, error } of names) {
      if (this.#login) response.setHeader(login, this.#login)
      if (this.#refusal) response.setHeader(error, this.#refusal.reason)
    }
    if (this.#credential) this.#credential.put(response, names)
    else if (this.#isTakenBack) this.#carrier.clear?.(response)
    // It names a user, or refuses one: no cache may keep it, whatever the handler says of it.
    response.setHeader('Cache-Control', 'no-store')
  }
}

/** From here on, `requireWxUser()` finds it. */
export function setAnswer(ctx: Context & { [ANSWER]?: Answer }, answer: Answer): Answer {
  // Not by defineProperty(): that costs each request more than all else that we do with it.
  ctx[ANSWER] = answer
  return answer
}

/**
 * Answers with a refusal; any other error is thrown on. A refusal that is not the client's fault also goes to
 * `app.on('error')`, with its cause. Koa's own handler does not log errors with `expose: true`.
 */
export function refuse(ctx: Context, error: unknown): void {
  ctx.$wxUserInfo = null
  ctx.$wxSession = null
  if (!(error instanceof WeappSessionError)) throw error
  if (refusals.hasSubscribers) refusals.publish(describe(error))
  if (error.status >= 500) ctx.app.emit('error', error, ctx)

  const answer = (ctx as { [ANSWER]?: Answer })[ANSWER]
  answer?.refuse(error)
  for (const name of BODY_HEADERS) ctx.remove(name)
  ctx.status = answer?.refusalStatus ?? error.status
  ctx.set(error.headers)
  ctx.body = error.toJSON()
}

/**
 * What has failed after the handlers were done. Where they have answered by themselves, nobody can be told any more, so it
 * goes to `app.on('error')`: Koa ends no answer whose middleware throws after the headers.
 */
export function refuseLate(ctx: Context, answer: Answer, error: unknown): void {
  if (answer.isUnsent() && ctx.respond !== false) {
    refuse(ctx, error)
    return
  }
  const why = error instanceof Error ? error.message : String(error)
  const message = `koa-weapp-session: the answer had begun when this failed, so the client was not told: ${why}`
  ctx.app.emit('error', Object.assign(new Error(message, { cause: error }), { headerSent: true }), ctx)
}

/** What a browser asks before a request of another origin (Fetch, "CORS-preflight fetch"). It carries no credentials. */
export function isPreflight({ method, req }: Context): boolean {
  return method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined
}

/**
 * Where the server issues credentials, a code alone is none of them; but whoever sends it believes that they are logged
 * in, so they must not become a guest without a word.
 *
 * @throws {WeappSessionError} ERR_SESSION_EXPIRED
 */
export function refuseBareCode(
  carrier: SessionCarrier,
  { headers }: IncomingMessage,
  { keys }: Wire,
): undefined {
  if (carrier.credential === 'code' || !headers[keys.code]) return
  throw new WeappSessionError('ERR_SESSION_EXPIRED', {
    message:
      'This server issues credentials of its own, and a code is none: log in, and send what the answer brings.',
  })
}

/** Whether a client that has presented a credential needs it once more, or another one. */
export function needsReissue(
  carrier: SessionCarrier,
  presented: PresentedCredential,
  session: LoadedSession,
): boolean {
  if (carrier.hasExpiry && session.isRenewed) return true
  // Without a look at the store, nobody knows that the session deserves another credential.
  return presented.shouldReissue === true && !session.isPartial
}

function describe({ reason, status, message, detail, rid }: WeappSessionError): Diagnostics['refusal'] {
  return { reason, status, message, ...detail, ...(rid && { rid }) }
}
