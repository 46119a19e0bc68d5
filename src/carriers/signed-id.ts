import { WeappSessionError } from '../errors.js'
import { type KeyRing, SIGNATURE_LENGTH } from '../keys.js'
import type { Presented } from './carrier.js'

/** A session's id with its signature: `ID.SIGNATURE`, 43 characters of base64url each. */
const SIGNED_ID = new RegExp(`^([\\w-]{43})\\.([\\w-]{${SIGNATURE_LENGTH}})$`)

/** What a signed id is worth before the store is asked: ids that we never gave cost it nothing. */
export interface SignedIds {
  print(id: string): string
  /** @throws {WeappSessionError} ERR_SESSION_EXPIRED when we did not sign it */
  read(value: string): Presented
}

/** `name` is signed too, so that what was given under one name is nothing under another. */
export function signedIds(keys: KeyRing, name: string): SignedIds {
  return {
    print: (id) => `${id}.${keys.sign(`${name}=${id}`)}`,

    read(value) {
      const [, id = '', signature = ''] = SIGNED_ID.exec(value) ?? []
      const index = id === '' ? -1 : keys.indexOf(`${name}=${id}`, signature)
      if (index < 0) throw new WeappSessionError('ERR_SESSION_EXPIRED')
      return { credential: id, isOld: index > 0 }
    },
  }
}
