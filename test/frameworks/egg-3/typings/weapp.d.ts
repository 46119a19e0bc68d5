// typings/weapp.d.ts
import type { WxSession, WxUserInfo } from 'koa-weapp-session'

declare module 'egg' {
  interface Context {
    $wxUserInfo: WxUserInfo | null
    $wxSession: WxSession | null
  }
}
