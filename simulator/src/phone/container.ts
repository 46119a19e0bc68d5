import type { CloudRunEnvironment } from '../cloud/environments.js'
import type { User } from '../servers/accounts.js'
import { type Failure, failure } from './callbacks.js'
import { isReserved } from './gateway.js'
import type { Message } from './http-client.js'
import { type Headers, headerOf, headersOf, type Sender } from './outgoing.js'
import { type RequestContent, requestMessage } from './request-message.js'
import type { Route } from './route.js'
import type { CallContainerOptions } from './wx-cloud.js'

/** 云托管开发常识, developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/guide/debug/know.html */
const MAX_BODY = 100 * 1024

/** 调用服务问题排查指引, developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/development/call/faq.html */
const METHODS = ['GET', 'POST', 'PUT', 'DELETE']
const TIMED_OUT = 102002
const WRONG_METHOD = 102005
const TOO_LARGE = -606001

/** Seen in public reports, not in WeChat's pages; the code of what is not initialised is a guess. */
const NOT_THERE = -501000
const NOT_INITIALISED = -1

/** 云资源通用错误, in the list of errors of 云开发; that a service which cannot be reached has it is a guess. */
const UNREACHED = -501001

const TEXTS: Readonly<Record<number, string>> = {
  [TIMED_OUT]: '请求超时',
  [WRONG_METHOD]: '无效的 HTTP Method',
  [TOO_LARGE]: '请求包大小超过 100KB',
  [NOT_THERE]: 'Invalid host',
  [NOT_INITIALISED]: "Cloud API isn't enabled, please call wx.cloud.init first",
}

/** The way of `callContainer()` to a service, on which WeChat says whose call it is. */
export function containerRoute(
  caller: { appId: string; user: User; ip: string },
  environment: CloudRunEnvironment | undefined,
): Route {
  return {
    unreached: UNREACHED,
    timedOut: TIMED_OUT,

    outgoing({ headers, ...message }) {
      const kept = Object.entries(headers).filter(([name]) => isTheApps(name.toLowerCase()))
      const identity = environment === undefined ? {} : identityHeaders(caller, environment)
      return { ...message, headers: { ...Object.fromEntries(kept), ...identity } }
    },

    incoming: (head) => head,

    failure: (errCode) => {
      // The texts of codes that are not in the list above are a guess.
      const reason = `Error: errCode: ${errCode} | errMsg: ${TEXTS[errCode] ?? 'system error'}`
      const { errMsg } = failure('cloud.callContainer', reason).failure
      return { failure: { errMsg, errCode } }
    },

    isRepeated: () => false,
  }
}

/**
 * 容器内变量信息, developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/development/weixin/. Of an app that uses the
 * environment of another one, the page says that `X-WX-OPENID` is missing. That `X-WX-APPID` is then the other app's is a
 * guess: so it is in a 云函数 (Cloud.getWXContext).
 */
function identityHeaders(
  { appId, user: { openId, unionId }, ip }: { appId: string; user: User; ip: string },
  { env, resourceAppid }: CloudRunEnvironment,
): Headers {
  const isReused = resourceAppid !== appId
  const prefix = isReused ? 'X-WX-FROM-' : 'X-WX-'
  return {
    ...(isReused && { 'X-WX-APPID': resourceAppid }),
    [`${prefix}OPENID`]: openId,
    [`${prefix}APPID`]: appId,
    ...(unionId !== undefined && { [`${prefix}UNIONID`]: unionId }),
    'X-WX-ENV': env,
    // 微信小程序调用, by the list of Cloud.getWXContext.
    'X-WX-SOURCE': 'wx_client',
    'X-Original-Forwarded-For': ip,
  }
}

/** What `callContainer()` sends, or why it does not. */
export function containerMessage(
  options: Pick<CallContainerOptions, 'path' | 'header'> & RequestContent,
  where: { isInitialised: boolean; environment: CloudRunEnvironment | undefined; route: Route },
  sender: Sender,
): Message | Failure {
  const { isInitialised, environment, route } = where
  if (!isInitialised) return route.failure(NOT_INITIALISED)
  const headers = headersOf(options.header, sender)
  const service = environment?.urlOf(headerOf(headers, 'x-wx-service') ?? '', options.path)
  if (service === undefined) return route.failure(NOT_THERE)

  const message = requestMessage(service, headers, options)
  if (!METHODS.includes(message.method)) return route.failure(WRONG_METHOD)
  if ((message.body?.length ?? 0) > MAX_BODY) return route.failure(TOO_LARGE)
  return { ...message, followsRedirects: false }
}

function isTheApps(name: string): boolean {
  return name === 'x-wx-service' || !(isReserved(name) || name === 'x-original-forwarded-for')
}
