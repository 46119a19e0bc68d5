import { checkOptions, isWhole, optionError, shown } from '../util/option-error.js'

/** Options of {@link inspector}. */
export interface InspectorOptions {
  /** Where its page is. Default `/__weapp`. */
  path?: string
  /** How many requests are remembered. The oldest go first, also when all of them hold more than 8 MB. Default 500. */
  limit?: number
  /**
   * Whether credentials and codes are shown whole. A session_key is never shown, nor an appSecret. Default false: the first
   * six characters.
   */
  unmasked?: boolean
}

export type ResolvedInspectorOptions = Required<InspectorOptions>

const LIMIT_MAX = 5000

/**
 * @throws {Error} ERR_INSPECTOR_IN_PRODUCTION
 * @throws {TypeError} when an option makes no sense
 */
export function resolveInspectorOptions(options: InspectorOptions): ResolvedInspectorOptions {
  refuseProduction()
  checkOptions('inspector', options, ['path', 'limit', 'unmasked'])
  const { path = '/__weapp', limit = 500, unmasked = false } = options
  if (typeof path !== 'string' || !/^(\/[\w.~-]+)+$/.test(path))
    throw optionError("inspector({ path }) must be a path such as '/__weapp', without a slash at its end")
  if (!isWhole(limit, LIMIT_MAX))
    throw optionError(
      `inspector({ limit }) must be a whole number from 1 to ${LIMIT_MAX}: it is ${shown(limit)}`,
    )
  if (typeof unmasked !== 'boolean')
    throw optionError(`inspector({ unmasked }) must be true or false: it is ${shown(unmasked)}`)
  return { path, limit, unmasked }
}

function refuseProduction(): void {
  if (process.env.NODE_ENV !== 'production') return
  const message =
    'koa-weapp-session: inspector() shows what users send, and ends their sessions: it does not run with NODE_ENV=production'
  throw Object.assign(new Error(message), { code: 'ERR_INSPECTOR_IN_PRODUCTION' })
}
