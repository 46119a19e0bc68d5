/**
 * The options of every app here, in the place of what docs/frameworks.md prints as `weapp`: the same, with a carrier by
 * name, and with the address of the WeChat that the tests have started.
 */
import {
  type Carrier,
  codeCarrier,
  cookieCarrier,
  headerCarrier,
  type WeappSessionOptions,
} from 'koa-weapp-session'
import { jwtCarrier } from 'koa-weapp-session/jwt'

const { WEAPP_ID, WEAPP_SECRET, WECHAT_URL, SESSION_KEY, CARRIER } = process.env

export const options: WeappSessionOptions = {
  appId: WEAPP_ID,
  appSecret: WEAPP_SECRET,
  wechat: { baseUrl: WECHAT_URL, timeout: 10_000 },
  carrier: carrierOf(CARRIER),
  loginPath: '/login',
  logoutPath: '/logout',
}

function carrierOf(name: string | undefined): Carrier {
  const keys = [SESSION_KEY]
  if (name === 'code') return codeCarrier()
  if (name === 'header') return headerCarrier({ keys })
  if (name === 'cookie') return cookieCarrier({ keys })
  if (name === 'jwt') return jwtCarrier({ keys })
  throw new TypeError(`There is no carrier ${name}`)
}
