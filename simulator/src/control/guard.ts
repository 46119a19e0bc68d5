import type { IncomingMessage } from 'node:http'
import { ControlError } from './control-error.js'

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/**
 * Refuses what another web site asks for through the browser of whoever runs the simulator, which knows the AppSecret and
 * every session_key. A name that some DNS points to 127.0.0.1 is none of ours (DNS rebinding), nor is a page of another
 * origin. `hosts`: names beside those of the loopback.
 *
 * @throws {ControlError} ERR_FOREIGN_HOST, ERR_FOREIGN_ORIGIN
 */
export function checkSender(request: IncomingMessage, hosts: readonly string[]): void {
  const { host = '', origin, 'sec-fetch-site': site } = request.headers
  if (!isKnown(host, hosts)) {
    throw new ControlError('ERR_FOREIGN_HOST', `The simulator is 127.0.0.1 or localhost, not "${host}".`)
  }
  // The same origin over TLS or without: one port speaks both.
  const isOwn = origin === undefined || origin === `http://${host}` || origin === `https://${host}`
  // Browsers say more than the origin, also where there is none. `none`: typed by the user.
  const isSent = site === undefined || site === 'same-origin' || site === 'none'
  if (!isOwn || !isSent) {
    throw new ControlError('ERR_FOREIGN_ORIGIN', 'Pages of other origins may not use the simulator.')
  }
}

/** Whether a page may be given to whoever asks by this name. */
export function isKnown(host: string, hosts: readonly string[]): boolean {
  if (!URL.canParse(`http://${host}`)) return false
  const { hostname } = new URL(`http://${host}`)
  return LOOPBACK.includes(hostname) || hosts.includes(hostname)
}
