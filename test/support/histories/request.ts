import { get } from 'node:http'
import type { Server } from './fleet.js'
import { type Answer, PATIENCE } from './history.js'

interface Body {
  reason?: string
  user?: { openId?: string } | null
  data?: { tokens?: string[] }
}

/** Asks a server; `undefined` when no answer came. Over connections that are kept: there are many requests. */
export function request(
  { process, agent }: Server,
  path: string,
  headers: Record<string, string>,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const lost = () => resolve(undefined)
    const call = get(`${process.url}${path}`, { agent, headers, timeout: PATIENCE }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('error', lost)
      response.on('end', () => resolve(answerOf(response.statusCode ?? 0, text)))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', lost)
  })
}

function answerOf(status: number, text: string): Answer {
  const { reason, user, data } = text.startsWith('{') ? (JSON.parse(text) as Body) : {}
  return {
    status,
    ...(reason !== undefined && { reason }),
    ...(user?.openId !== undefined && { openId: user.openId }),
    tokens: data?.tokens ?? [],
  }
}
