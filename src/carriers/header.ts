import { keyRing } from '../crypto/key-ring.js'
import { WeappSessionError } from '../errors.js'
import { checkBoolean, checkOptions, optionError } from '../util/option-error.js'
import { warn } from '../util/warn.js'
import type { Carrier, SessionCarrier } from './carrier.js'
import { hasOwnMeaning, isToken } from './names.js'
import { signedIds } from './signed-id.js'

/** Options of {@link headerCarrier}. */
export interface HeaderCarrierOptions {
  /**
   * Secrets of 32 bytes or more, the newest first: it signs, and what any of them has signed is good. To rotate,
   * put a new one in front; leave the old one out when its sessions have ended.
   */
  keys?: string | Uint8Array | undefined | (string | Uint8Array | undefined)[]
  /** The header, of the request and of the answer. Default `Weapp-Session`, and `X-WX-Session` for who speaks so. */
  name?: string
  /**
   * Whether requests without a user have a session too: it begins when something is put into
   * `ctx.$wxSession.data`. Default false.
   */
  anonymous?: boolean
}

/** What is signed beside the id, where the header has its default names. */
const DEFAULT_SCOPE = 'x-wx-session'

/**
 * A random id of this server's own is the credential: 256 bits, signed, given in a header of the answer at login. One
 * that we did not sign costs no read of the store. The client of this project keeps it and sends it back; the
 * client of 2016 does not.
 *
 * @throws {TypeError} when the keys are too short, or a name is none
 *
 * @example
 * weappSession({ appId, appSecret, carrier: headerCarrier({ keys: [process.env.SESSION_KEY] }) })
 */
export function headerCarrier(options: HeaderCarrierOptions): Carrier {
  checkOptions('headerCarrier', options, ['keys', 'name', 'anonymous'])
  const { keys, name, anonymous = false } = options
  if (name !== undefined && !isToken(name))
    throw optionError('headerCarrier({ name }) must be the name of a header')
  if (name !== undefined && hasOwnMeaning(name))
    throw optionError(
      `headerCarrier({ name: '${name}' }) is a header with a meaning of its own: take another, such as 'X-App-Session'`,
    )
  checkBoolean('headerCarrier({ anonymous })', anonymous)
  if (name !== undefined && !/^[a-z\d-]+$/i.test(name)) {
    warn(
      'WEAPP_HEADER_NAME',
      `nginx drops headers like '${name}', unless it is told otherwise (underscores_in_headers, ` +
        `ignore_invalid_headers): use letters, digits and hyphens.`,
    )
  }
  const ownHeader = name?.toLowerCase()
  // The same for both families: a client may change from one to the other.
  const ids = signedIds(keyRing('headerCarrier()', keys), ownHeader ?? DEFAULT_SCOPE)

  const carrier: SessionCarrier = {
    kind: 'header',
    credential: 'issued',
    anonymous,
    read({ headers }, { keys }) {
      const value = headers[ownHeader ?? keys.session]
      if (!value) return undefined
      // Node joins what a repeated header says.
      if (Array.isArray(value) || value.includes(',')) throw new WeappSessionError('ERR_BAD_REQUEST')
      return ids.read(value)
    },
    issue({ credential }) {
      const session = ids.print(credential)
      return {
        put(response, names) {
          for (const header of name ? [name] : names.map((each) => each.session))
            response.setHeader(header, session)
        },
        field: { session },
      }
    },
  }
  return carrier
}
