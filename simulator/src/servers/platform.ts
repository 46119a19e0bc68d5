import type { Platform } from './endpoints.js'
import { douyinOpenIdOf, openIdOf, qqOpenIdOf, randomAppId, randomDouyinAppId, randomQqAppId } from './ids.js'

/** An AppID that looks as the platform's do. */
export function randomAppIdOf(platform: Platform): string {
  if (platform === 'qq') return randomQqAppId()
  return platform === 'douyin' ? randomDouyinAppId() : randomAppId()
}

/** Who a user is to the servers of the platform. No two platforms know a user by the same openid. */
export function openIdOn(platform: Platform, appId: string): (name: string) => string {
  const openId = platform === 'qq' ? qqOpenIdOf : platform === 'douyin' ? douyinOpenIdOf : openIdOf
  return (name) => openId('openid', appId, name)
}

/** How the platform names the page that requests come from; `version` 0 is one that is not published. */
export function refererOf(platform: Platform, appId: string, version: number): string {
  if (platform === 'douyin') {
    return `https://tmaservice.developer.toutiao.com/?appid=${appId}&version=${version}`
  }
  const host = platform === 'qq' ? 'appservice.qq.com' : 'servicewechat.com'
  return `https://${host}/${appId}/${version}/page-frame.html`
}
