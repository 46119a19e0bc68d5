import { warn } from './warn.js'

/** What operators read of an outage: a line when it begins, and one when it is over. */
export interface Outage {
  /** Whether there is one. */
  readonly isOn: boolean
  /**
   * A request was refused because of it. The first time that is said, with `message`; after that, trouble of another
   * `kind` is. `call`: what was tried.
   */
  refused(code: string, message: string, how?: { kind?: string | undefined; call?: string }): void
  /** A request was refused without trying: it is counted, and begins no outage. */
  turnedAway(): void
  /** A request was served, by such a call. The outage is over when what has failed works again. */
  served(call?: string): void
}

/** ms without a refusal, after which an outage is over. So a connection that comes and goes is one outage. */
const QUIET = 5000

/** ms after which it is over although nobody has tried again what had failed. */
const LONG_QUIET = 60_000

/** @param over how the line at the end begins: what works again */
export function createOutage(over: string): Outage {
  /** What was said of this outage. */
  const said = new Set<string>()
  /** The calls that have failed, and when: by this process's own clock, ms. */
  const failing = new Map<string, number>()
  let code = ''
  let began = 0
  let last = 0
  let refusals = 0

  const outage = {
    isOn: false,

    refused(
      newCode: string,
      message: string,
      { kind = '', call = '' }: { kind?: string | undefined; call?: string } = {},
    ) {
      last = performance.now()
      failing.set(call, last)
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

    served(call = '') {
      const now = performance.now()
      if (!outage.isOn || now - last < QUIET) return
      failing.delete(call)
      if (failing.size > 0 && now - last < LONG_QUIET) return
      outage.isOn = false
      said.clear()
      failing.clear()
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
