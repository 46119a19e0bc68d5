import type { Gate } from './gate.js'
import type { Ledger } from './ledger.js'
import type { Outages } from './outages.js'
import { type Answer, request } from './request.js'
import type { Server } from './servers.js'

/** One operation of a visitor. */
export interface Operation {
  what: string
  server: Server
  path: string
  headers: Record<string, string>
  /** Whom the answer may name; without, nobody. */
  openId?: string | undefined
  /** ms after which the visitor goes away. */
  abortAfter?: number
}

/** How an operation ended: `excused` where something failed that is not the server's. */
export type Outcome = { kind: 'answered'; answer: Answer } | { kind: 'excused' } | { kind: 'wrong' }

export interface Asking {
  /** Asks, and checks what holds for every answer. `statuses`: those that are right while all is well. */
  ask(operation: Operation, statuses: readonly number[]): Promise<Outcome>
}

/** What a client may be told while Redis or WeChat is at fault: nothing of it says that a session has ended. */
const FAILURES = [409, 429, 502, 503, 504]

export function createAsking(gate: Gate, ledger: Ledger, outages: Outages): Asking {
  return { ask: (operation, statuses) => gate.pass(() => ask(operation, statuses)) }

  async function ask(operation: Operation, statuses: readonly number[]): Promise<Outcome> {
    const { what, server, path, headers, abortAfter } = operation
    const from = performance.now()
    const answer = await request(server, path, headers, abortAfter)
    const to = performance.now()
    if (!answer && abortAfter !== undefined) {
      ledger.note(what, 'aborted')
      return { kind: 'excused' }
    }
    ledger.note(what, answer?.status ?? 'no answer')
    if (!answer) return wrong(operation, `has no answer after ${Math.round(to - from)} ms`)

    if (answer.openId !== undefined && answer.openId !== operation.openId)
      return wrong(operation, 'is answered as somebody else')
    if (statuses.includes(answer.status)) return { kind: 'answered', answer }
    if (FAILURES.includes(answer.status) && outages.excuse(from, to)) return { kind: 'excused' }
    return wrong(operation, `is answered ${answer.status} ${answer.reason ?? ''}`)
  }

  function wrong({ what, server }: Operation, how: string): Outcome {
    ledger.wrong(`${server.name}: ${what} ${how}`)
    return { kind: 'wrong' }
  }
}
