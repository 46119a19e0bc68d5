import { setTimeout as sleep } from 'node:timers/promises'
import type { InspectedApp } from '../inspection.js'
import type { Trouble } from '../util/faults.js'
import type { FaultName, Situation } from './protocol.js'

/** ms that a slow store and a slow WeChat take longer: within their deadlines, so that both still answer. */
const STORE_DELAY = 150
const WECHAT_DELAY = 2000

const STORE: Record<FaultName, Trouble | undefined> = {
  none: undefined,
  fails: failing('the store'),
  slow: slow(STORE_DELAY),
}

const WECHAT: Record<FaultName, Trouble | undefined> = {
  none: undefined,
  fails: failing('WeChat'),
  slow: slow(WECHAT_DELAY),
}

export const FAULTS: readonly FaultName[] = ['none', 'fails', 'slow']

export function setFaults({ faults }: InspectedApp, { store, wechat }: Situation['faults']): void {
  faults.store = STORE[store]
  faults.wechat = WECHAT[wechat]
}

function failing(what: string): Trouble {
  return async () => {
    throw Object.assign(new Error(`${what} is away because the inspector was told so`), {
      code: 'ECONNREFUSED',
    })
  }
}

function slow(ms: number): Trouble {
  return async () => {
    await sleep(ms)
  }
}
