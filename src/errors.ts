import {
  type HeaderNames,
  headerNames,
  LOGIN_REQUIRED,
  MAGIC_ID,
  PREFIX,
  PREFIX_2016,
  type Reason,
  type RefusalBody,
  STATUS_BY_REASON,
} from './protocol.js'

const BOTH = [headerNames(PREFIX), headerNames(PREFIX_2016)]

const MESSAGES: Record<Reason, string> = {
  ERR_SESSION_EXPIRED: 'The session is unknown, has expired or was ended: log in again.',
  ERR_LOGIN_REQUIRED: 'This needs a logged-in user: log in first.',
  ERR_UNTRUSTED_RAW_DATA: 'The user data is not what WeChat signed or encrypted for this login.',
  ERR_SESSION_KEY_EXCHANGE_FAILED: 'WeChat did not exchange the code: fetch a new one with wx.login().',
  ERR_BAD_REQUEST: 'A header or field of the session has an impossible shape.',
  ERR_SESSION_CONFLICT:
    "A parallel request changed this session's data: repeat this request only if that is safe.",
  ERR_STORE_UNAVAILABLE: 'Sessions cannot be read or written right now: keep the session, try again later.',
}

/** Options of a {@link WeappSessionError}. */
export interface RefusalOptions {
  /** HTTP status; default: the one that belongs to the reason. */
  status?: number | undefined
  /** For people who debug; clients decide by `reason`. Never holds what a client or WeChat sent. */
  message?: string | undefined
  /** WeChat's errcode, for a failed exchange. */
  errcode?: number | undefined
  /** WeChat's name for the call that failed. */
  rid?: string | undefined
  /** Seconds until another try makes sense; sent as `Retry-After`. */
  retryAfter?: number | undefined
  /** Whether the next request has to log in, although this one is not to be repeated; sent as `Weapp-Login: required`. */
  needsLogin?: boolean | undefined
  /** What went wrong underneath. For logs: never sent to the client. */
  cause?: unknown
}

/**
 * Every refusal this middleware makes. `reason` is stable, the message is not.
 *
 * `status`, `expose` and `headers` are the fields that Koa reads: one that escapes through a handler (from
 * `ctx.$wxSession.destroy()`, say) is answered by Koa as every error is, as text, with the right status, and
 * with the reason in `Weapp-Session-Error` or `X-WX-Session-Error`, as the request speaks.
 *
 * @example
 * try {
 *   await session.revoke(openId)
 * } catch (error) {
 *   if (error instanceof WeappSessionError && error.reason === 'ERR_STORE_UNAVAILABLE') retryLater()
 * }
 */
export class WeappSessionError extends Error {
  override readonly name = 'WeappSessionError'
  readonly reason: Reason
  readonly status: number
  /** The same, by the name that Fastify and NestJS read. */
  readonly statusCode: number
  readonly expose = true
  /** What its answer says in headers. Where nobody knows which names the client speaks: in those of both families. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether the next request has to log in, although this one is not to be repeated. */
  readonly needsLogin: boolean
  /** WeChat's errcode, when it refused the code. */
  readonly detail: { readonly errcode: number } | undefined
  /** WeChat's name for the call that failed, which its support asks for. For logs: never sent to the client. */
  readonly rid: string | undefined

  constructor(reason: Reason, options: RefusalOptions = {}) {
    const {
      status = STATUS_BY_REASON[reason],
      message = MESSAGES[reason],
      errcode,
      rid,
      retryAfter,
      needsLogin = false,
      cause,
    } = options
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.status = status
    this.statusCode = status
    this.detail = errcode === undefined ? undefined : { errcode }
    this.rid = rid
    this.needsLogin = needsLogin
    this.headers = headersOf(this, retryAfter === undefined ? undefined : String(retryAfter), BOTH)
  }

  /** The same refusal, with headers under the names that the client speaks. */
  inNamesOf(names: readonly HeaderNames[]): this {
    return Object.assign(this, { headers: headersOf(this, this.headers['Retry-After'], names) })
  }

  /** The body of the refusal, in the shape that the original weapp-session gave it. */
  toJSON(): RefusalBody {
    const { name, message, detail, reason } = this
    return { [MAGIC_ID]: 1, reason, error: { name, message, ...(detail && { detail: { ...detail } }) } }
  }
}

function headersOf(
  { reason, needsLogin }: Pick<WeappSessionError, 'reason' | 'needsLogin'>,
  retryAfter: string | undefined,
  names: readonly HeaderNames[],
): Record<string, string> {
  const headers: Record<string, string> = { 'Cache-Control': 'no-store' }
  if (retryAfter !== undefined) headers['Retry-After'] = retryAfter
  for (const { error, login } of names) {
    headers[error] = reason
    if (needsLogin) headers[login] = LOGIN_REQUIRED
  }
  return headers
}
