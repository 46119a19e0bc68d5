import { createServer } from 'node:http'
import { OpenPlatform, ServerRequest } from 'node-easywechat'

// It keeps the ticket by itself: what it has kept is the message.
export function listen({ token, encodingAesKey: aes_key, appId: app_id, folder }, onMessage) {
  const platform = new OpenPlatform({ app_id, secret: 'x', token, aes_key, file_cache: { path: folder } })

  return createServer(async (request, response) => {
    platform.setRequest(await ServerRequest.createFromIncomingMessage(request))
    const answer = await platform.getServer().serve()
    response.writeHead(answer.getStatusCode()).end(answer.getBody())
    onMessage({ ticket: await platform.getVerifyTicket().getTicket() })
  })
}
