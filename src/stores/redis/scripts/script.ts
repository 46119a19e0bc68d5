import { createHash } from 'node:crypto'

/** A Lua script that Redis runs in one atomic step. */
export interface Script {
  text: string
  /** Redis knows a script by this hash, once it has run. */
  sha1: string
}

/** @param args - the names that the body has for its arguments, in their order */
export function script(args: string[], body: string): Script {
  const values = args.map((_, n) => `ARGV[${n + 1}]`)
  const text = `local ${args.join(', ')} = ${values.join(', ')}\n${body}`
  return { text, sha1: createHash('sha1').update(text).digest('hex') }
}

/** Reads Redis's clock (µs), and prints such numbers without an exponent. */
export const NOW: string = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function print(number) return string.format('%.0f', number) end
`
