/** What a request can be refused for, and the HTTP status of that. */
const STATUSES = {
  ERR_BODY_INVALID: 400,
  ERR_QUERY_INVALID: 400,
  ERR_DRAWING_INVALID: 400,
  ERR_DRAWING_NOT_FOUND: 404,
  ERR_NOT_FOUND: 404,
  ERR_METHOD_NOT_ALLOWED: 405,
  ERR_TOO_MANY_DRAWINGS: 409,
  ERR_DRAWING_TOO_LARGE: 413,
  ERR_INTERNAL: 500,
  ERR_DRAWINGS_UNAVAILABLE: 503,
} as const

export type DrawingReason = keyof typeof STATUSES

/** A request that cannot be fulfilled. The message is for developers, and may be shown to anybody. */
export class DrawingError extends Error {
  override readonly name = 'DrawingError'
  readonly reason: DrawingReason
  readonly status: number

  constructor(reason: DrawingReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.status = STATUSES[reason]
  }
}
