// typings/weapp.d.ts
import type { WxSession, WxUserInfo } from 'koa-weapp-session'

declare module '@eggjs/core' {
  interface Context {
    $wxUserInfo: WxUserInfo | null
    $wxSession: WxSession | null
  }
}
