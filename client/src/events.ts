/**
 * weapp-session-client/events: an event stream in the chunks of `wx.request`.
 *
 * @module
 */

import { orUndefined, runSafely } from './util.js'

/** One event (html.spec.whatwg.org, server-sent events). */
export interface StreamEvent {
  /** Its name. `message` where it has none. */
  event: string
  /** Its lines, joined. */
  data: string
  /** The last id that the stream has named, or `''`. */
  id: string
}

const LF = 10
const CR = 13

/**
 * Reads an event stream: returns a listener for `onChunkReceived`. A chunk may end anywhere, in the middle of a character too. An
 * event that the stream does not end with an empty line is not heard, as the standard has it.
 *
 * @example
 * import { createSession } from 'weapp-session-client'
 * import { createEventReader } from 'weapp-session-client/events'
 *
 * const session = createSession({ baseUrl: 'https://api.example.com' })
 * const call = session.request({ url: '/chat', method: 'POST', enableChunked: true, timeout: 600000 })
 * call.onChunkReceived(createEventReader(({ data }) => console.log(data)))
 * await call
 */
export function createEventReader(
  onEvent: (event: StreamEvent) => void,
): (chunk: { data: ArrayBuffer }) => void {
  let bytes: number[] = []
  let last: number | undefined
  let isFirst = true
  let event = ''
  let lines: string[] = []
  let id = ''

  return ({ data }) => {
    for (const byte of new Uint8Array(data)) {
      const isEnd = byte === CR || (byte === LF && last !== CR)
      last = byte
      if (isEnd) {
        const line = textOf(bytes)
        bytes = []
        // A byte order mark.
        read(isFirst ? line.replace(/^\uFEFF/, '') : line)
        isFirst = false
      } else if (byte !== LF) bytes.push(byte)
    }
  }

  function read(line: string): void {
    const [, field, value = ''] = /^([^:]*)(?:: ?([\s\S]*))?$/.exec(line) as RegExpExecArray
    if (!line) dispatch()
    else if (field === 'data') lines.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  function dispatch(): void {
    const heard = { event: event || 'message', data: lines.join('\n'), id }
    const hasData = lines.length > 0
    event = ''
    lines = []
    if (hasData) runSafely(() => onEvent(heard))
  }
}

/** As many bytes as a function of JavaScript may have arguments. */
const PART = 4096

/** What is UTF-8 among percent signs: of one byte to four. */
const CHARACTERS = /%([0-7].|[cd].%[89ab].|e.(%[89ab].){2}|f.(%[89ab].){3}|..)/g

/** UTF-8. A mini program has no TextDecoder. Bytes that are none are `\uFFFD`. */
function textOf(bytes: number[]): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PART) text += String.fromCharCode(...bytes.slice(at, at + PART))
  if (!/[^\0-\x7f]/.test(text)) return text
  return escapeOf(text).replace(CHARACTERS, (one) => orUndefined(() => decodeURIComponent(one)) || '\uFFFD')
}

/** Bytes as `%e4%bd%a0`. */
function escapeOf(bytes: string): string {
  return bytes.replace(/[\s\S]/g, (byte) => `%${(byte.charCodeAt(0) + 256).toString(16).slice(1)}`)
}
