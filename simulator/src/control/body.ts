import type { IncomingMessage } from 'node:http'
import { ControlError } from './control-error.js'

/** Bytes. What the control API takes has a few fields. */
const LONGEST_BODY = 64 * 1024

/**
 * The JSON of a request; an empty object where nothing was sent.
 *
 * @throws {ControlError} ERR_TOO_LARGE, ERR_CONTENT_TYPE, ERR_BAD_REQUEST
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request)
  if (text === '') return {}
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') {
    throw new ControlError('ERR_CONTENT_TYPE', 'A body has the Content-Type application/json.')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new ControlError('ERR_BAD_REQUEST', 'The body is not JSON.')
  }
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    // What comes after that is read, and forgotten: a client that still sends would not see the answer.
    if (length <= LONGEST_BODY) chunks.push(chunk)
    else if (length > 16 * LONGEST_BODY) break
  }
  if (length > LONGEST_BODY) {
    throw new ControlError('ERR_TOO_LARGE', `A body has at most ${LONGEST_BODY} bytes.`)
  }
  return Buffer.concat(chunks).toString()
}
