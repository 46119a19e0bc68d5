import { randomBytes } from 'node:crypto'
import type { Phone } from '../../simulator/src/index.js'
import { loginHeaders } from '../support/wechat.js'
import type { Asking } from './asking.js'
import { oneOf } from './random.js'
import type { Server } from './servers.js'

/** A request that must be refused, and name nobody. */
type Junk = (server: Server, phone: Phone) => Promise<{ what: string; headers: Record<string, string> }>

const KINDS: readonly Junk[] = [
  async () => ({ what: 'made-up code', headers: { 'X-WX-Code': madeUp(24), 'X-WX-Login': 'code' } }),
  async ({ carrier }) => ({
    what: 'made-up credential',
    headers: carrier === 'code' ? { 'X-WX-Code': madeUp(24) } : { 'X-WX-Session': forged() },
  }),
  async () => ({ what: 'impossible code', headers: { 'X-WX-Code': 'x'.repeat(300), 'X-WX-Login': 'code' } }),
  async (_, phone) => ({
    what: 'false signature',
    headers: { ...(await loginHeaders(phone)), 'X-WX-Signature': randomBytes(20).toString('hex') },
  }),
]

const REFUSED = [400, 401]

export async function sendJunk(server: Server, phone: Phone, asking: Asking): Promise<void> {
  const { what, headers } = await oneOf(KINDS)(server, phone)
  await asking.ask({ what: `junk: ${what}`, server, path: '/', headers }, REFUSED)
}

/** Codes that WeChat has never given: each costs a login, and leaves a refusal behind. */
export async function sendMadeUpCode(server: Server, asking: Asking): Promise<void> {
  const headers = { 'X-WX-Code': madeUp(24), 'X-WX-Login': 'code' }
  await asking.ask({ what: 'junk: made-up code', server, path: '/', headers }, REFUSED)
}

function madeUp(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

/** As long as one that is signed. */
function forged(): string {
  return `${madeUp(32)}.${madeUp(32)}`
}
