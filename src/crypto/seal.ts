import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto'
import { isTextUpTo } from '../util/fields.js'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Characters. A sealed session_key has 60; a test's may be longer. */
const SEALED_MAX = 4096

/** What a sealed value is of: a text, or the bytes of base64, which are a quarter shorter than their text. */
const TEXT = 0
const BASE64 = 1

/** Hides a secret from whoever can read the store. */
export interface Sealer {
  /** Bound to `id`: a sealed value that is moved to another record does not open there. */
  seal(secret: string, id: string): string
  /** `undefined` when it was not sealed with this secret for this id. */
  open(sealed: string, id: string): string | undefined
}

/** A sealer whose key is derived from the appSecret (HKDF, RFC 5869): there is nothing more to configure. */
export function createSealer(appSecret: string): Sealer {
  const key = new Uint8Array(hkdfSync('sha256', appSecret, 'koa-weapp-session', 'session_key', 32))
  const nextIv = randomIvs()

  return {
    seal(secret, id) {
      const iv = nextIv()
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(id))
      const hidden = cipher.update(packed(secret))
      // With GCM there is nothing left for it to give, but the tag.
      cipher.final()
      return Buffer.concat([iv, cipher.getAuthTag(), hidden]).toString('base64url')
    },

    open(sealed, id) {
      // From the store, where somebody else may have written: no more than a key is worth a buffer.
      if (!isTextUpTo(SEALED_MAX, sealed)) return undefined
      const bytes = Buffer.from(sealed, 'base64url')
      const iv = bytes.subarray(0, IV_BYTES)
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
      try {
        const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(id)).setAuthTag(tag)
        return unpacked(
          Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]),
        )
      } catch {
        return undefined
      }
    },
  }
}

/** A session_key is base64 of 16 bytes; what is not exactly what its bytes print stays as it is. */
function packed(secret: string): Uint8Array {
  const bytes = Buffer.from(secret, 'base64')
  const isBase64 = bytes.toString('base64') === secret
  return Buffer.concat([Buffer.of(isBase64 ? BASE64 : TEXT), isBase64 ? bytes : Buffer.from(secret)])
}

function unpacked(bytes: Buffer): string {
  return bytes.toString(bytes[0] === BASE64 ? 'base64' : 'utf8', 1)
}

/** Random bytes, each given out once. Many at a time: twelve cost as much as a thousand. */
function randomIvs(): () => Uint8Array {
  const pool = new Uint8Array(100 * IV_BYTES)
  let next = pool.length

  return () => {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    next += IV_BYTES
    return pool.slice(next - IV_BYTES, next)
  }
}
