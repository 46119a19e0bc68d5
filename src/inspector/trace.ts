import type { InspectedApp } from '../inspection.js'
import type { Captured, CapturedResponse } from './capture.js'
import type { Pairs } from './decode.js'
import type { Change, EventEntry, IdentityView, SignatureView, Situation, Step } from './protocol.js'

/** A request as it is remembered: whole, on this side alone. */
export interface Trace {
  type: 'request'
  id: number
  /** Unix ms. */
  at: number
  /** By the process's own clock: ms. */
  began: number
  method: string
  path: string
  http: string
  from: string
  /** Where the server listens: it can be asked there again. */
  target: { address: string; port: number; isEncrypted: boolean; isHttp2: boolean } | undefined
  headers: Pairs
  /** Whether it said that it has a body. */
  hasBody: boolean
  /** Of the request; `undefined`: nobody has seen it. */
  body(): Captured | undefined
  steps: Step[]
  app: InspectedApp | undefined
  identity: IdentityView | undefined
  signature: SignatureView | undefined
  faults: Situation['faults']
  replayOf: { id: number; change: Change } | undefined
  response: (CapturedResponse & { ms: number; isAborted: boolean }) | undefined
}

/** What is remembered, in its order. */
export type Remembered = Trace | EventEntry

/** Where a step that has just ended began, ms after the request. */
export function since({ began }: Trace, ms = 0): number {
  return Math.max(0, performance.now() - began - ms)
}
