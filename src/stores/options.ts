/** Checks that the options of several stores have in common. */
import { optionError } from '../util/option-error.js'
import { warn } from '../util/warn.js'

/** Refuses a `timeout` that is no positive number of ms. `owner`: the function that has the option. */
export function checkTimeout(owner: string, timeout: number, name = 'timeout'): void {
  if (!Number.isFinite(timeout) || timeout <= 0)
    throw optionError(`${owner}({ ${name} }) must be a positive number of ms`)
}

/** Warns at start-up in production, for a store that `redisStore()` would serve better than. */
export function warnInProduction(code: string, what: string): void {
  if (process.env.NODE_ENV === 'production') warn(code, `${what} Give weappSession() a redisStore().`)
}
