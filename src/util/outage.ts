import { warn } from './warn.js'

/** What operators read of an outage: a line when it begins, and one when it is over. */
export interface Outage {
  /** Whether there is one. */
  readonly isOn: boolean
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
  /** What was said of this outage. */
  const said = new Set<string>()
  let code = ''
  let began = 0
  let last = 0
  let refusals = 0

  const outage = {
    isOn: false,

    refused(newCode: string, message: string, kind = '') {
      last = performance.now()
      if (!outage.isOn) {
        outage.isOn = true
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
      if (outage.isOn) refusals++
    },

    served() {
      if (!outage.isOn || performance.now() - last < QUIET) return
      outage.isOn = false
      said.clear()
      const requests = refusals === 1 ? '1 request was' : `${refusals} requests were`
      warn(code, `${over}, after ${lasting(last - began)}: ${requests} refused`)
    },
  }
  return outage
}

function lasting(ms: number): string {
  if (ms < 100) return 'less than 0.1 s'
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.round(ms / 60_000)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
