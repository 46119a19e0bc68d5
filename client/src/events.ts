/**
 * weapp-session-client/events: an event stream in the chunks of `wx.request`.
 *
 * @module
 */

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
 * const call = session.request({ url: '/chat', method: 'POST', enableChunked: true, timeout: 600_000 })
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
    if (hasData) onEvent(heard)
  }
}

/** UTF-8. A mini program has no TextDecoder. */
function textOf(bytes: number[]): string {
  try {
    return decodeURIComponent(bytes.map((byte) => `%${(byte + 256).toString(16).slice(1)}`).join(''))
  } catch {
    return bytes.map((byte) => (byte < 128 ? String.fromCharCode(byte) : '\uFFFD')).join('')
  }
}
