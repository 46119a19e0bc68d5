import { createServer } from 'node:http'
import { MiniApp, ServerRequest } from 'node-easywechat'

export function listen({ token, encodingAesKey: aes_key, appId: app_id }, onMessage) {
  const app = new MiniApp({ app_id, secret: 'x', token, aes_key })

  return createServer(async (request, response) => {
    app.setRequest(await ServerRequest.createFromIncomingMessage(request))
    const server = app.getServer()
    server.withHandler((message, next) => {
      onMessage(message.toObject())
      return next(message)
    })
    const answer = await server.serve()
    response.writeHead(answer.getStatusCode()).end(answer.getBody())
  })
}
