/** Checks that the options of several stores have in common. */
import { isWhole, optionError, shown } from '../util/option-error.js'
import { warn } from '../util/warn.js'

/** Refuses a time that is no whole ms, up to a minute. `owner`: the function that has the option. */
export function checkTimeout(owner: string, timeout: number, name = 'timeout'): void {
  if (!isWhole(timeout, 60_000))
    throw optionError(`${owner}({ ${name} }) must be whole ms, from 1 to 60000: it is ${shown(timeout)}`)
}

/** Warns at start-up in production, for a store that `redisStore()` would serve better than. */
export function warnInProduction(code: string, what: string): void {
  if (process.env.NODE_ENV === 'production') warn(code, `${what} Give weappSession() a redisStore().`)
}
