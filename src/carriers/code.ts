import { LRUCache } from 'lru-cache'
import { checkedCredential } from '../login/read-login.js'
import type { PresentedCredential } from '../session/session.js'
import type { Carrier, SessionCarrier } from './carrier.js'

/** Codes with a session that are remembered; the oldest make room. */
const SEEN_MAX = 20_000

/**
 * The code of the login is the credential of its session, as in the original weapp-session: later requests carry
 * the code alone, and the response carries nothing. The code is WeChat's, so it cannot be changed: `rotate()`
 * does nothing here.
 *
 * @example
 * weappSession({ appId, appSecret, carrier: codeCarrier() }) // the default
 */
export function codeCarrier(): Carrier {
  /** So that what is found out about a code is found out once. Only codes with a session: anybody can send others. */
  const seen = new LRUCache<string, PresentedCredential>({ max: SEEN_MAX })

  const carrier: SessionCarrier = {
    kind: 'code',
    credential: 'code',
    read({ headers }, { keys, names: [names] }) {
      const code = headers[keys.code] as string | undefined
      if (!code) return undefined
      return seen.peek(code) ?? { credential: checkedCredential(code, names?.code ?? keys.code) }
    },
    remember(presented) {
      seen.set(presented.credential, presented)
    },
  }
  return carrier
}
