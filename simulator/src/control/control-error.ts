/** Why the control API refuses a request: a stable code, and the HTTP status that goes with it. */
export type ControlErrorCode = keyof typeof STATUSES

const STATUSES = {
  ERR_BAD_REQUEST: 400,
  ERR_FOREIGN_HOST: 403,
  ERR_FOREIGN_ORIGIN: 403,
  ERR_NOT_FOUND: 404,
  ERR_NO_USER: 404,
  ERR_NO_FAULT: 404,
  ERR_METHOD: 405,
  ERR_USER_EXISTS: 409,
  ERR_NO_SESSION_KEY: 409,
  ERR_TOO_LARGE: 413,
  ERR_CONTENT_TYPE: 415,
  ERR_TOO_OFTEN: 429,
} as const

/** A refusal of the control API. Its message is for people. */
export class ControlError extends Error {
  readonly code: ControlErrorCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ControlErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.status = STATUSES[code]
    this.headers = headers
  }
}
