import { get, type IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from './servers.js'
import { PATIENCE } from './settings.js'

export interface Answer {
  status: number
  reason?: string
  openId?: string
  data: Record<string, unknown>
  /** Unix ms at which the session ends. */
  expires?: number
  /** The credential that came with it. */
  session?: string
}

interface Body {
  reason?: string
  user?: { openId: string } | null
  data?: Record<string, unknown>
  expires?: number
}

/** Asks a server; `undefined` when no answer came in time, or when the request was aborted after so many ms. */
export function request(
  server: Server,
  path: string,
  headers: Record<string, string>,
  abortAfter?: number,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const lost = () => resolve(undefined)
    const call = get(
      `${server.url}${path}`,
      { agent: server.agent, headers, timeout: PATIENCE },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('error', lost)
        response.on('end', () => resolve(answerOf(response, text)))
      },
    )
    call.on('timeout', () => call.destroy())
    call.on('error', lost)
    call.on('close', lost)
    if (abortAfter !== undefined) void sleep(abortAfter).then(() => call.destroy())
  })
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, text: string): Answer {
  const body: Body = text.startsWith('{') ? JSON.parse(text) : {}
  // What a handler lets through is answered by Koa, as text: the header says why.
  const { reason = headers['x-wx-session-error'] as string | undefined, user, data = {}, expires } = body
  const session = headers['x-wx-session']
  return {
    status: statusCode,
    data,
    ...(reason !== undefined && { reason }),
    ...(user && { openId: user.openId }),
    ...(expires !== undefined && { expires }),
    ...(typeof session === 'string' && { session }),
  }
}
