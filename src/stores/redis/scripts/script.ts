import { createHash } from 'node:crypto'

export interface Script {
  text: string
  sha1: string
}

/** @param names - of the arguments, in their order */
export function script(names: string[], body: string): Script {
  const values = names.map((_, n) => `ARGV[${n + 1}]`)
  const text = names.length === 0 ? body : `local ${names.join(', ')} = ${values.join(', ')}\n${body}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

export const NOW: string = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function print(number) return string.format('%.0f', number) end
`
