import { checkedCredential } from '../credentials.js'
import { CODE_HEADER } from '../protocol.js'
import type { Carrier } from './carrier.js'

const HEADER = CODE_HEADER.toLowerCase()

/**
 * The code of the login is the credential of its session, as in the original weapp-session: later requests carry
 * the code alone, and the response carries nothing. The code is WeChat's, so it cannot be changed: `rotate()`
 * does nothing here.
 *
 * @example
 * weappSession({ appId, appSecret, carrier: codeCarrier() }) // the default
 */
export function codeCarrier(): Carrier {
  return {
    read({ req: { headers } }) {
      const code = headers[HEADER] as string | undefined
      return code ? { credential: checkedCredential(code) } : undefined
    },
  }
}
