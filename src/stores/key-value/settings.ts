import { checkOptions, optionError } from '../../util/option-error.js'
import { checkTimeout } from '../options.js'

/** What the adapters have to be told, with all defaults. */
export interface KeyValueSettings {
  prefix: string
  /** ms */
  timeout: number
}

/** `owner`: the function that has the options. */
export function settingsOf(owner: string, options: Partial<KeyValueSettings>): KeyValueSettings {
  checkOptions(owner, options, ['prefix', 'timeout'])
  const { prefix = 'weapp-session:', timeout = 250 } = options
  if (typeof prefix !== 'string') throw optionError(`${owner}({ prefix }) must be a text`)
  checkTimeout(owner, timeout)
  return { prefix, timeout }
}
