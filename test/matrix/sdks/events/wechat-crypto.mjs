import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import WXBizMsgCrypt from 'wechat-crypto'

export function listen({ token, encodingAesKey, appId }, onMessage) {
  const crypt = new WXBizMsgCrypt(token, encodingAesKey, appId)

  return createServer(async (request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost')
    const { timestamp, nonce, echostr, msg_signature } = Object.fromEntries(searchParams)
    if (request.method === 'GET') return response.end(echostr)

    const { Encrypt } = JSON.parse(await text(request))
    const { message, id } = crypt.decrypt(Encrypt)
    const isRight = id === appId && crypt.getSignature(timestamp, nonce, Encrypt) === msg_signature
    if (isRight) onMessage(JSON.parse(message))
    response.writeHead(isRight ? 200 : 403).end('success')
  })
}
