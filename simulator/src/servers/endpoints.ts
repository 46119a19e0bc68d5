import type { Clock } from '../clock.js'
import type { Backend } from './backend.js'
import type { Codes } from './codes.js'
import { type Dialect, wechatDialect } from './dialect.js'
import type { Endpoint } from './endpoint.js'
import { componentEndpoints } from './endpoints/component.js'
import { loginEndpoints } from './endpoints/login.js'
import { managementEndpoints } from './endpoints/management.js'
import { qrCodeEndpoints } from './endpoints/qr-code.js'
import { safetyEndpoints } from './endpoints/safety.js'
import { tokenEndpoints } from './endpoints/tokens.js'
import { userEndpoints } from './endpoints/user.js'
import { douyinDialect, douyinEndpoints } from './hosts/douyin.js'
import { qqDialect, qqEndpoints } from './hosts/qq.js'
import { type WecomBackend, wecomDialect, wecomEndpoints } from './hosts/wecom.js'

/** Whose mini program it is. */
export type Platform = 'wechat' | 'wecom' | 'qq' | 'douyin'

/** Everything that endpoints of any platform work with. */
export interface Backends {
  wechat: Backend
  wecom: WecomBackend
  anonymousCodes: Codes
}

/** The endpoints of a platform. WeCom's are there beside WeChat's: a mini program runs in both. */
export function createEndpoints(platform: Platform, backends: Backends): Endpoint[] {
  const { wechat, wecom, anonymousCodes } = backends
  if (platform === 'qq') return qqEndpoints(wechat)
  if (platform === 'douyin') return douyinEndpoints({ ...wechat, anonymousCodes })

  const endpoints: Endpoint[] = [
    ...loginEndpoints(wechat),
    ...tokenEndpoints(wechat),
    ...userEndpoints(wechat),
    ...safetyEndpoints(wechat),
    ...qrCodeEndpoints(wechat),
    ...managementEndpoints(wechat, (path) => endpoints.find((one) => one.path === path)?.limits),
    ...componentEndpoints(wechat),
    ...(platform === 'wecom' ? wecomEndpoints(wecom) : []),
  ]
  return endpoints
}

/** How the servers of a platform speak. */
export function dialectOf(platform: Platform, clock: Clock): Dialect {
  if (platform === 'qq') return qqDialect()
  if (platform === 'douyin') return douyinDialect(clock)
  return platform === 'wecom' ? wecomDialect(clock) : wechatDialect(clock)
}
