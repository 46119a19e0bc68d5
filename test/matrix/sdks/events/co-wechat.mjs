import { createServer } from 'node:http'
import wechat from 'co-wechat'
import Koa from 'koa'

export function listen({ token, encodingAesKey: encodingAESKey, appId: appid }, onMessage) {
  const app = new Koa()
  app.use(
    wechat({ token, encodingAESKey, appid }).middleware((message) => {
      onMessage(message)
      return ''
    }),
  )
  return createServer(app.callback())
}
