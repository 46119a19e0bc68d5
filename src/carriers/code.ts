import { CODE_HEADER } from '../protocol.js'
import type { Carrier } from './carrier.js'

const HEADER = CODE_HEADER.toLowerCase()

/**
 * The code of the login is the credential of its session, as in the original weapp-session: later requests carry
 * the code alone, and the response carries nothing.
 */
export function codeCarrier(): Carrier {
  return {
    read: (headers) => headers[HEADER] as string | undefined,
  }
}
