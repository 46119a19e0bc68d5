import { LRUCache } from 'lru-cache'
import { type KeyRing, SIGNATURE_LENGTH } from '../crypto/key-ring.js'
import { WeappSessionError } from '../errors.js'
import type { PresentedCredential } from '../session/session.js'

/** A session's id with its signature: `ID.SIGNATURE`, 43 characters of base64url each. */
const SIGNED_ID = new RegExp(`^([\\w-]{43})\\.([\\w-]{${SIGNATURE_LENGTH}})$`)

/** What a signed id is worth before the store is asked: ids that we never gave cost it nothing. */
export interface SignedIds {
  print(id: string): string
  /** @throws {WeappSessionError} ERR_SESSION_EXPIRED when we did not sign it */
  read(value: string): PresentedCredential
  /** The same; `undefined` when we did not sign it. */
  check(value: string): PresentedCredential | undefined
}

/** Ids whose signature was good: to check it again costs more than to remember it. */
const SEEN_MAX = 20_000

/** `name` is signed too, so that what was given under one name is nothing under another. */
export function signedIds(keys: KeyRing, name: string): SignedIds {
  const seen = new LRUCache<string, PresentedCredential>({ max: SEEN_MAX })

  return {
    print: (id) => `${id}.${keys.sign(`${name}=${id}`)}`,

    read(value) {
      // `peek()` leaves the order of use as it is, which is faster: the oldest make room.
      const presented = seen.peek(value) ?? check(value)
      if (presented) return presented
      throw new WeappSessionError('ERR_SESSION_EXPIRED')
    },
    check,
  }

  function check(value: string): PresentedCredential | undefined {
    const [, id = '', signature = ''] = SIGNED_ID.exec(value) ?? []
    const index = id === '' ? -1 : keys.indexOf(`${name}=${id}`, signature)
    if (index < 0) return undefined
    const presented = { credential: id, shouldReissue: index > 0 }
    seen.set(value, presented)
    return presented
  }
}
