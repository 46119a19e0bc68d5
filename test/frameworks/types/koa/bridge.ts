/** Facts about the types of the bridge on the servers of Node: compiled, never run. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import https from 'node:https'
import type { WxSession, WxUserInfo } from 'koa-weapp-session'
import { weappSession } from 'koa-weapp-session'
import { handlerFailed, nodeBridge, type wxSession, wxUser } from 'koa-weapp-session/bridge'
import { type Equal, isTrue } from './equal.js'

const weapp = nodeBridge(weappSession({ appId: 'wx', appSecret: 's' }))

/** One listener for every server of Node. */
function listener(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  weapp(request, response, (error) => {
    isTrue<Equal<typeof error, unknown>>()
    if (error) return weapp.onError(error, request, response, () => response.end())
    weapp.requireUser(request, response, () => {
      const user = wxUser(request)
      isTrue<Equal<typeof user, WxUserInfo | null>>()
      isTrue<Equal<ReturnType<typeof wxSession>, WxSession | null>>()
      response.end(user?.openId ?? '')
    })
  })
}

createServer(listener)
https.createServer({}, listener)
http2.createServer(listener)
http2.createSecureServer({ allowHTTP1: true }, listener)

// Listeners of one server alone.
createServer((request, response) => weapp(request, response, () => response.end()))
http2.createServer((request, response) => {
  weapp(request, response, () => {
    handlerFailed(request, new Error('out of stock'))
    response.stream.end()
  })
})

// What takes the middleware of Express, with types of its own.
interface OwnRequest extends IncomingMessage {
  params: Record<string, string>
}
interface OwnResponse extends ServerResponse {
  json(body: unknown): void
}
export const handlers: ((
  request: OwnRequest,
  response: OwnResponse,
  next: (error?: unknown) => void,
) => void)[] = [weapp, weapp.requireUser]

// @ts-expect-error a response is none of a bridge's requests
weapp({} as ServerResponse, {} as ServerResponse, () => {})
// @ts-expect-error a handler comes after it
createServer(weapp)
