import { connect } from 'node:net'
import { deadline } from '../../util/deadline.js'

/** What is said of a server that answers without TLS alone. */
export const NO_TLS = 'it speaks no TLS: the scheme is redis://, not rediss://'

/** ms for an answer: it is next door, or the connection before would have failed in another way. */
const PATIENCE = 500

/**
 * Whether a server that was spoken to by TLS speaks Redis's protocol without TLS. Such a one is silent where a client begins with TLS, since it waits
 * for the end of a line, and looks like one that hangs. No password is sent.
 */
export async function isPlain(url: string | undefined): Promise<boolean> {
  if (!url?.startsWith('rediss:')) return false
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port) || 6379, hostname.replace(/^\[|\]$/g, ''))
  socket.unref()
  const first = new Promise<string>((resolve, reject) => {
    socket.once('data', (bytes) => resolve(bytes.toString('latin1', 0, 1)))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
    socket.write('PING\r\n')
  })
  try {
    const answer = await deadline(PATIENCE, first, () => new Error('silent'), false)
    // PONG, or an error: a password is missing.
    return answer === '+' || answer === '-'
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
