import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { decrypt, getSignature } from '@wecom/crypto'

export function listen({ token, encodingAesKey, appId }, onMessage) {
  return createServer(async (request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost')
    const { timestamp, nonce, echostr, msg_signature } = Object.fromEntries(searchParams)
    if (request.method === 'GET') return response.end(echostr)

    const { Encrypt } = JSON.parse(await text(request))
    const { message, id } = decrypt(encodingAesKey, Encrypt)
    const isRight = id === appId && getSignature(token, timestamp, nonce, Encrypt) === msg_signature
    if (isRight) onMessage(JSON.parse(message))
    response.writeHead(isRight ? 200 : 403).end('success')
  })
}
