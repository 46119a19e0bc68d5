import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type Koa from 'koa'

/** What a client hears. */
export interface Answer {
  status: number
  reason: string | undefined
  /** Of the session: the one that the answer brings. */
  credential: string | undefined
  body: { user?: { openId?: string } | null; data?: Record<string, unknown> }
}

/** A GET through an app's callback: no socket, so that nothing but the steps of the scheduler takes time. */
export function call(
  app: ReturnType<Koa['callback']>,
  path: string,
  headers: Record<string, string>,
): Promise<Answer> {
  const request = new IncomingMessage(new Socket())
  request.method = 'GET'
  request.url = path
  for (const [name, value] of Object.entries(headers)) request.headers[name.toLowerCase()] = value
  request.rawHeaders = Object.entries(headers).flat()
  request.push(null)
  const response = new ServerResponse(request)

  return new Promise((resolve) => {
    const end = (chunk?: unknown): ServerResponse => {
      // As the first byte of a body does: some headers are only put in then.
      if (!response.headersSent) response.writeHead(response.statusCode)
      const text = (name: string) => response.getHeader(name)?.toString()
      const json = /json/.test(text('content-type') ?? '')
      resolve({
        status: response.statusCode,
        reason: text('x-wx-session-error'),
        credential: text('x-wx-session'),
        body: json && chunk ? JSON.parse(String(chunk)) : {},
      })
      return response
    }
    Object.assign(response, { end })
    void app(request, response)
  })
}
