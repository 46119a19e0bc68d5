/** The calls of `wx` that are counted, and that can be made to go wrong. */
export type WxApi = (typeof WX_APIS)[number]

const WX_APIS = [
  'login',
  'checkSession',
  'getUserInfo',
  'getUserProfile',
  'request',
  'uploadFile',
  'downloadFile',
  'connectSocket',
  'getStorage',
  'setStorage',
  'removeStorage',
  'clearStorage',
  'getStorageSync',
  'setStorageSync',
  'removeStorageSync',
  'clearStorageSync',
  'getRandomValues',
  'pluginLogin',
  'getLatestUserKey',
  'getSetting',
  'authorize',
  'getWeRunData',
  'getPrivacySetting',
  'getSystemInfoSync',
  'setBackgroundFetchToken',
  'getBackgroundFetchToken',
  'getBackgroundFetchData',
  'qy.login',
  'qy.checkSession',
  'cloud.callContainer',
  'gateway.call',
] as const

/** The calls that send something and have an answer, at most ten at a time. */
export type NetworkApi = RoutedApi | 'uploadFile' | 'downloadFile'

/** Those of them that WeChat's own servers can refuse. */
export type RoutedApi = 'request' | 'cloud.callContainer' | 'gateway.call'

/**
 * What becomes of an asynchronous call that goes wrong.
 *
 * - `{ errMsg, errno?, delay? }`: it fails, `delay` ms later (default 0).
 * - `{ delay }`: it is `delay` ms late. A request is sent that much later, a socket created; a login's code is
 *   made then.
 * - `'hang'`: it never calls back. A request is never sent, and does not time out, but can be aborted; a socket
 *   is never opened, but can be closed.
 */
export type Mishap = { errMsg: string; errno?: number; delay?: number } | { delay: number } | 'hang'

/**
 * What can go wrong with one kind of call: a {@link Mishap}, and for some
 *
 * - `{ errMsg, errno? }`, of a `…Sync` call, and nothing else: it throws an error with these fields.
 * - `'lost'`, of the network calls: the server answers, but the phone fails with errno 600001 instead.
 * - `{ errCode, delay? }`, of `request`, `gateway.call` and `cloud.callContainer`: WeChat's gateway or 云托管 refuses it,
 *   and the server hears nothing of it. It waits for a request that goes through the gateway: others are not refused so.
 * - `'withoutCode'`, of `login`: a success that brings no code.
 */
export type MishapOf<Api extends WxApi> = Api extends `${string}Sync`
  ? { errMsg: string; errno?: number }
  :
      | Mishap
      | (Api extends 'login' | 'qy.login' ? 'withoutCode' : never)
      | (Api extends NetworkApi ? 'lost' : never)
      | (Api extends RoutedApi ? RouteMishap : never)

/** WeChat's own server refuses a call. */
interface RouteMishap {
  errCode: number
  delay?: number
}

/** A mishap of any call. */
export type AnyMishap = Mishap | RouteMishap | 'lost' | 'withoutCode'

/** What will go wrong with the calls of `wx`, and how many there were. */
export interface Mishaps {
  readonly counts: Readonly<Record<WxApi, number>>
  plan<Api extends WxApi>(api: Api, mishap: MishapOf<Api>, times?: number): () => void
  /** Counts a call, and says what goes wrong with it; an errCode only when it `isRouted` through WeChat's servers. */
  take(api: WxApi, isRouted?: boolean): AnyMishap | undefined
}

export function createMishaps(): Mishaps {
  const counts = Object.fromEntries(WX_APIS.map((api) => [api, 0])) as Record<WxApi, number>
  const plans = new Set<{ api: WxApi; mishap: AnyMishap; left: number }>()

  return {
    counts,

    plan(api, mishap, times = 1) {
      const plan = { api, mishap, left: times }
      plans.add(plan)
      return () => plans.delete(plan)
    },

    take(api, isRouted = false) {
      counts[api] += 1
      const plan = [...plans].find(({ mishap, ...plan }) => {
        return plan.api === api && (isRouted || errCodeOf(mishap) === undefined)
      })
      if (plan === undefined) return undefined
      plan.left -= 1
      if (plan.left <= 0) plans.delete(plan)
      return plan.mishap
    },
  }
}

/** The errCode that a mishap is, if it is one. */
export function errCodeOf(mishap: AnyMishap | undefined): number | undefined {
  return typeof mishap === 'object' && 'errCode' in mishap ? mishap.errCode : undefined
}
