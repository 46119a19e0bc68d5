import { warn } from './warn.js'

/** What operators read of an outage: a line when it begins, and one when it is over. */
export interface Outage {
  /**
   * A request was refused because of it. The first time that is said, with `message`; after that, trouble of another
   * `kind` is.
   */
  refused(code: string, message: string, kind?: string): void
  /** A request was refused without trying: it is counted, and begins no outage. */
  turnedAway(): void
  /** A request was served. */
  served(): void
}

/** ms without a refusal, after which an outage is over. So a connection that comes and goes is one outage. */
const QUIET = 5000

/** @param over how the line at the end begins: what works again */
export function createOutage(over: string): Outage {
  /** What was said of this outage. Empty while there is none. */
  const said = new Set<string>()
  let code = ''
  let began = 0
  let last = 0
  let refusals = 0

  return {
    refused(newCode, message, kind = '') {
      last = performance.now()
      if (said.size === 0) {
        code = newCode
        began = last
        refusals = 0
      }
      refusals++
      if (said.has(kind)) return
      said.add(kind)
      warn(newCode, message)
    },

    turnedAway() {
      if (said.size > 0) refusals++
    },

    served() {
      if (said.size === 0 || performance.now() - last < QUIET) return
      said.clear()
      const requests = refusals === 1 ? '1 request was' : `${refusals} requests were`
      warn(code, `${over}, after ${lasting(last - began)}: ${requests} refused`)
    },
  }
}

function lasting(ms: number): string {
  if (ms < 100) return 'less than 0.1 s'
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
