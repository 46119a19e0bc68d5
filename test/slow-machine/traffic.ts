import { Agent, get } from 'node:http'
import type { ExecutionContext } from 'ava'
import type { Wechat } from '../../simulator/src/index.js'
import { codeLoginHeaders, codeOnly } from '../support/wechat.js'
import type { SlowServer } from './server.js'

type Headers = Record<string, string>

const agent = new Agent({ keepAlive: true })

/** The status of a GET: without a deadline, since the server may stand still. */
export function statusOf(url: string, headers: Headers = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    }).on('error', reject)
  })
}

/** Credentials of so many sessions, which are there. */
export async function makeSessions(server: SlowServer, wechat: Wechat, count: number): Promise<Headers[]> {
  const logins = await makeLogins(wechat, count)
  for (const headers of logins) {
    const status = await statusOf(server.url, headers)
    if (status !== 200) throw new Error(`a login before the test was answered ${status}`)
  }
  return logins.map(codeOnly)
}

export function makeLogins(wechat: Wechat, count: number): Promise<Headers[]> {
  return Promise.all(Array.from({ length: count }, () => codeLoginHeaders(wechat.phone())))
}

/** How often each status was seen. */
export function tally(statuses: number[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** All were answered 200, and nothing was said on stderr. */
export function isServed(t: ExecutionContext, statuses: number[], stderr: string): void {
  const refused = statuses.filter((status) => status !== 200).length
  t.log(`${refused} of ${statuses.length} refused, ${stderr.match(/Warning/g)?.length ?? 0} warnings`)
  t.deepEqual(tally(statuses), { 200: statuses.length })
  t.is(stderr, '')
}
