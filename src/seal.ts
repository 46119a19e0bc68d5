import { createCipheriv, createDecipheriv, hkdfSync, randomFillSync } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Hides a secret from whoever can read the store. */
export interface Sealer {
  /** Bound to `id`: a sealed value that is moved to another record does not open there. */
  seal(secret: string, id: string): string
  /** `undefined` when it was not sealed with this secret for this id. */
  open(sealed: string, id: string): string | undefined
}

/** A sealer whose key is derived from the appSecret (HKDF, RFC 5869): there is nothing more to configure. */
export function sealerFor(appSecret: string): Sealer {
  const key = new Uint8Array(hkdfSync('sha256', appSecret, 'koa-weapp-session', 'session_key', 32))
  const nextIv = randomIvs()

  return {
    seal(secret, id) {
      const iv = nextIv()
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(Buffer.from(id))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')
    },

    open(sealed, id) {
      const bytes = Buffer.from(sealed, 'base64url')
      const iv = bytes.subarray(0, IV_BYTES)
      const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
      try {
        const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
        decipher.setAAD(Buffer.from(id)).setAuthTag(tag)
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
        return text.toString('utf8')
      } catch {
        return undefined
      }
    },
  }
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
