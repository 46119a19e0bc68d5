import crypto, { type ScryptOptions } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'

const { scrypt } = crypto

/**
 * Passwords are hashed in no time in this process: what they cost an attacker is the work of `scrypt`, and what a
 * verdict leads to is the work of whoever asked for it.
 */
export function makePasswordsCheap(): void {
  const cheap = (
    password: string,
    salt: Buffer,
    length: number,
    options: ScryptOptions,
    callback: (error: Error | null, hash: Buffer) => void,
  ) => scrypt(password, salt, length, { ...options, N: 2, p: 1 }, callback)
  crypto.scrypt = cheap as typeof scrypt
  // Those who imported it by its name have it too.
  syncBuiltinESMExports()
}
