import { codes } from './contract/codes.js'
import { guests } from './contract/guests.js'
import { lists } from './contract/lists.js'
import { revocation } from './contract/revocation.js'
import { sessions } from './contract/sessions.js'
import { successors } from './contract/successors.js'
import { takings } from './contract/takings.js'
import type { StoreCase } from './store-case.js'

/**
 * What every store promises, one by one: those of this package pass them all.
 *
 * @example
 * import test from 'node:test'
 * import { storeContract } from 'koa-weapp-session/testing'
 *
 * for (const { name, run } of storeContract) test(name, () => run(myStore()))
 */
export const storeContract: readonly StoreCase[] = [
  ...sessions,
  ...codes,
  ...takings,
  ...successors,
  ...guests,
  ...lists,
  ...revocation,
]
