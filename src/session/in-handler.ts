import { WeappSessionError } from '../errors.js'

/**
 * What a handler has asked of its session, as a handler may be refused it.
 *
 * A 401 says that nothing has been done yet: our client answers it with a login and the same request once more, and so do
 * the client of 2016 and the 401 interceptors of most HTTP libraries. Once a handler has begun, it may have charged
 * somebody. So from here on there is none: who has to log in is told so for the next request, by a conflict, which
 * nobody answers by repeating a POST; and data that does not open is what is wrong with this request (400).
 */
export async function inHandler<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked
  } catch (error) {
    throw error instanceof WeappSessionError && error.status === 401 ? begun(error) : error
  }
}

function begun(cause: WeappSessionError): WeappSessionError {
  const { reason, message } = cause
  if (reason === 'ERR_UNTRUSTED_RAW_DATA') return new WeappSessionError(reason, { status: 400, cause })
  return new WeappSessionError('ERR_SESSION_CONFLICT', {
    message: `${message} The handler had begun, so this request must not be repeated by itself: the next one logs in.`,
    needsLogin: true,
    cause,
  })
}
