import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { optionError } from '../util/option-error.js'

/** Signs with the first key of a ring, and knows what any of them has signed, as Keygrip does. */
export interface KeyRing {
  sign(text: string): string
  /** Which key signed this: 0 is the one that signs now, -1 none. In constant time for each key. */
  indexOf(text: string, signature: string): number
}

/** Bytes: a shorter secret could be guessed, with one signature at hand, by a machine that tries them all. */
const KEY_MIN = 32

/** Characters of a signature: HMAC-SHA-256 in base64url. */
export const SIGNATURE_LENGTH = 43

/**
 * To rotate keys, put a new one in front; when everything that the old one signed has ended, leave it out.
 *
 * @throws {TypeError} when there is no key, or one is too short
 */
export function keyRing(owner: string, keys: unknown): KeyRing {
  const secrets = checkedKeys(owner, keys).map((key) => createSecretKey(Buffer.from(key)))
  const macs = secrets.map((secret) => (text: string) => createHmac('sha256', secret).update(text))

  return {
    sign: (text) => (macs[0] as (typeof macs)[0])(text).digest('base64url'),

    indexOf(text, signature) {
      const given = Buffer.from(signature, 'base64url')
      if (given.length !== 32 || signature.length !== SIGNATURE_LENGTH) return -1
      return macs.findIndex((mac) => timingSafeEqual(mac(text).digest(), given))
    },
  }
}

/** @throws {TypeError} as {@link keyRing} does */
export function checkedKeys(owner: string, keys: unknown): (string | Uint8Array)[] {
  const ring: unknown[] = Array.isArray(keys) ? keys : [keys]
  const sizes = ring.map((key) =>
    typeof key === 'string' || key instanceof Uint8Array ? Buffer.byteLength(key) : 0,
  )
  const least = Math.min(...sizes)
  if (sizes.length === 0 || least < KEY_MIN) {
    const wrong = sizes.length === 0 || least === 0 ? 'one is missing' : `one has ${least}`
    throw optionError(
      `${owner} needs keys: a list of secrets of at least ${KEY_MIN} bytes, the newest first; ${wrong} ` +
        `(make one with: openssl rand -base64 32)`,
    )
  }
  return ring as (string | Uint8Array)[]
}
