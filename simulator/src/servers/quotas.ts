import type { Clock } from '../clock.js'
import type { ApiRequest } from './answer.js'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** WeChat's days begin at midnight in Beijing, as far as developers can tell. */
const BEIJING = 8 * 60 * MINUTE

/** WeChat's refusals: the day's calls are used up, or the minute's. */
const ERRCODES = { day: 45009, minute: 45011 } as const

/** How often an app may call one URL. */
interface Quota {
  readonly path: string
  readonly per: keyof typeof ERRCODES
  readonly max: number
  /** Only calls of this kind count. */
  readonly counts?: (request: ApiRequest) => boolean
}

/**
 * The quotas that WeChat documents, for each app. A quota of an endpoint that is not simulated waits for it. The tables of
 * docs/simulator.md say where each stands.
 */
const QUOTAS: readonly Quota[] = [
  { path: '/cgi-bin/token', per: 'day', max: 2000 },
  { path: '/cgi-bin/stable_token', per: 'minute', max: 10_000 },
  { path: '/cgi-bin/stable_token', per: 'day', max: 500_000 },
  { path: '/cgi-bin/stable_token', per: 'day', max: 20, counts: ({ body }) => isForced(body) },
  { path: '/wxa/resetusersessionkey', per: 'minute', max: 60_000 },
  { path: '/wxa/getwxacodeunlimit', per: 'minute', max: 5000 },
  { path: '/wxa/msg_sec_check', per: 'minute', max: 4000 },
  { path: '/wxa/msg_sec_check', per: 'day', max: 2_000_000 },
]

/** Counts the calls of an app. */
export interface Quotas {
  /** Counts a call; the errcode of the quota that it is over, or `undefined`. */
  over(request: ApiRequest): number | undefined
}

/** `isOurs`: whether a call is one of the app's. A call that WeChat can lay to nobody's charge counts for nobody. */
export function createQuotas(options: { clock: Clock; isOurs: (request: ApiRequest) => boolean }): Quotas {
  const { clock, isOurs } = options
  const counters = QUOTAS.map((quota) => ({ quota, period: -1, count: 0 }))

  return {
    over(request) {
      const concerned = counters.filter(({ quota }) => {
        return quota.path === request.path && (quota.counts?.(request) ?? true)
      })
      if (concerned.length === 0 || !isOurs(request)) return undefined
      const exceeded = concerned.filter(isExceeded)
      return exceeded[0] && ERRCODES[exceeded[0].quota.per]
    },
  }

  function isExceeded(counter: (typeof counters)[number]): boolean {
    const { per, max } = counter.quota
    // "Retry next minute": a period begins for everybody at the same time.
    const period =
      per === 'day' ? Math.floor((clock.now() + BEIJING) / DAY) : Math.floor(clock.now() / MINUTE)
    if (counter.period !== period) Object.assign(counter, { period, count: 0 })
    counter.count += 1
    return counter.count > max
  }
}

function isForced(body: string): boolean {
  return /"force_refresh"\s*:\s*true/.test(body)
}
