import { optionError } from './errors.js'
import { isObject } from './util.js'

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
