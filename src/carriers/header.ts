import { keyRing } from '../crypto/key-ring.js'
import { WeappSessionError } from '../errors.js'
import { SESSION_HEADER } from '../protocol.js'
import { checkOptions, optionError } from '../util/option-error.js'
import { warn } from '../util/warn.js'
import type { Carrier, SessionCarrier } from './carrier.js'
import { isToken } from './names.js'
import { signedIds } from './signed-id.js'

/** Options of {@link headerCarrier}. */
export interface HeaderCarrierOptions {
  /**
   * Secrets of 32 bytes or more, the newest first: it signs, and what any of them has signed is good. To rotate,
   * put a new one in front; leave the old one out when its sessions have ended.
   */
  keys?: string | Uint8Array | undefined | (string | Uint8Array | undefined)[]
  /** The header, of the request and of the response. Default `X-WX-Session`. */
  name?: string
  /**
   * Whether requests without a user have a session too: it begins when something is put into
   * `ctx.$wxSession.data`. Default false.
   */
  anonymous?: boolean
}

/**
 * A random id of this server's own is the credential: 256 bits, signed, given in a response header at login. One
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
  const { keys, name = SESSION_HEADER, anonymous = false } = options
  if (!isToken(name)) throw optionError('headerCarrier({ name }) must be the name of a header')
  if (typeof anonymous !== 'boolean') throw optionError('headerCarrier({ anonymous }) must be true or false')
  if (!/^[a-z\d-]+$/i.test(name)) {
    warn(
      'WEAPP_HEADER_NAME',
      `nginx drops headers like '${name}', unless it is told otherwise (underscores_in_headers, ` +
        `ignore_invalid_headers): use letters, digits and hyphens.`,
    )
  }
  const header = name.toLowerCase()
  const ids = signedIds(keyRing('headerCarrier()', keys), header)

  const carrier: SessionCarrier = {
    kind: 'header',
    credential: 'issued',
    anonymous,
    read({ req: { headers } }) {
      const value = headers[header]
      if (!value) return undefined
      // Node joins what a repeated header says.
      if (Array.isArray(value) || value.includes(',')) throw new WeappSessionError('ERR_BAD_REQUEST')
      return ids.read(value)
    },
    issue(ctx, { credential }) {
      ctx.set(name, ids.print(credential))
    },
    clear(ctx) {
      ctx.remove(name)
    },
  }
  return carrier
}
