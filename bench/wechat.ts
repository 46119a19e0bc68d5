/** WeChat's side of a login, in a process of its own: a code names its user. Says its URL. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SESSION_KEY, userOf } from './sessions.js'

const server = createServer((req, res) => {
  const code = new URL(req.url ?? '', 'http://wechat').searchParams.get('js_code') ?? ''
  const { openId: openid, unionId: unionid } = userOf(Number(code.split('-')[1]))
  res.setHeader('Content-Type', 'text/plain')
  res.end(JSON.stringify({ openid, unionid, session_key: SESSION_KEY }))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
})
process.on('disconnect', () => process.exit())
