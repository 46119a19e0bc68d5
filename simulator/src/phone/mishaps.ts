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
] as const

/** The calls that send something and have an answer, at most ten at a time. */
export type NetworkApi = 'request' | 'uploadFile' | 'downloadFile'

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
 * - `'withoutCode'`, of `login`: a success that brings no code.
 */
export type MishapOf<Api extends WxApi> = Api extends `${string}Sync`
  ? { errMsg: string; errno?: number }
  : Mishap | (Api extends 'login' ? 'withoutCode' : never) | (Api extends NetworkApi ? 'lost' : never)

/** A mishap of any call. */
export type AnyMishap = Mishap | 'lost' | 'withoutCode'

/** What will go wrong with the calls of `wx`, and how many there were. */
export interface Mishaps {
  readonly counts: Readonly<Record<WxApi, number>>
  plan<Api extends WxApi>(api: Api, mishap: MishapOf<Api>, times?: number): () => void
  /** Counts a call, and says what goes wrong with it. */
  take(api: WxApi): AnyMishap | undefined
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

    take(api) {
      counts[api] += 1
      const plan = [...plans].find((plan) => plan.api === api)
      if (plan === undefined) return undefined
      plan.left -= 1
      if (plan.left <= 0) plans.delete(plan)
      return plan.mishap
    },
  }
}
