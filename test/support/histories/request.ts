import { get, type IncomingMessage } from 'node:http'
import type { Server } from './fleet.js'
import { type Answer, PATIENCE } from './history.js'

interface Body {
  reason?: string
  user?: { openId?: string } | null
  data?: { tokens?: string[] }
  isNew?: boolean
}

/** What came back: the credential is as it was sent, and has no name yet. */
export type Response = Omit<Answer, 'credential'> & { header?: string }

/** Asks a server; `undefined` when no answer came. Over connections that are kept: there are many requests. */
export function request(
  { process, agent }: Server,
  path: string,
  headers: Record<string, string>,
): Promise<Response | undefined> {
  return new Promise((resolve) => {
    const lost = () => resolve(undefined)
    const call = get(`${process.url}${path}`, { agent, headers, timeout: PATIENCE }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('error', lost)
      response.on('end', () => resolve(responseOf(response, text)))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', lost)
  })
}

function responseOf({ statusCode = 0, headers }: IncomingMessage, text: string): Response {
  const body: Body = text.startsWith('{') ? JSON.parse(text) : {}
  // Of what a handler lets through, Koa makes a text; the header says why.
  const { reason = headers['x-wx-session-error'] as string | undefined, user, data, isNew } = body
  const header = headers['x-wx-session']
  return {
    status: statusCode,
    ...(reason !== undefined && { reason }),
    ...(user?.openId !== undefined && { openId: user.openId }),
    tokens: data?.tokens ?? [],
    ...(isNew !== undefined && { isNew }),
    ...(typeof header === 'string' && { header }),
  }
}
