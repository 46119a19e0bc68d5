import { optionError } from './errors.js'
import { isObject } from './util.js'
import type { WxOptions } from './wx-options.js'

/** How options look: `name=type:value`, or `name=type:true` where that is an object. Times are in ms; timers take a little more. */
const SESSION_OPTIONS =
  /^((appId|baseUrl|loginPath|logoutPath|storageKey)=string:.|appId=boolean:true|(deadline|loginTimeout)=number:[1-9]\d{0,8}(\.|$)|profile=(function|string:(none|userInfo)$)|protocol=string:(weapp-session|2016|cookies)$|(cloud|origins|wx)=\w+:true|\w+=undefined)/

/** @throws {TypeError} with a sentence, at the first option that is unknown, or is not what it can be */
export function checkOptions(options: object, good = SESSION_OPTIONS): void {
  for (const [name, value] of Object.entries(options)) {
    const text = String(isObject(value) || value)
    if (good.test(`${name}=${typeof value}:${text}`)) continue
    // One that begins alike, or is the end of another, such as `url`.
    const [meant] = RegExp(`\\w*${name.replace(/\W/g, '').slice(0, 4)}\\w*`, 'i').exec(good.source) || [name]
    throw optionError(`${name} cannot be ${text}${meant === name ? '' : `: ${meant}?`}`)
  }
}

/** @throws {TypeError} where the options of a call make no sense */
export function checkCall(options: WxOptions): void {
  if (!isObject(options)) throw optionError('no options: { url }')
  const { deadline = 1, session = 'none' } = options
  // Longer than 2^31 ms is no time to a timer of JavaScript.
  if (typeof deadline !== 'number' || !(deadline > 0 && deadline < 2 ** 31))
    throw optionError(`deadline cannot be ${deadline}`)
  if (!/^(required|optional|none)$/.test(session)) throw optionError(`session cannot be ${session}`)
}
