import type { Clock } from '../clock.js'
import type { Answer, ApiRequest, Reply } from '../servers/answer.js'

/** A call of WeChat's API, as the control API shows it. */
export interface LoggedCall {
  /** Counts up from 1. */
  readonly id: number
  /** ms since 1970, by the simulator's clock. */
  readonly at: number
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Its first 4096 characters. */
  readonly body: string
  /** The HTTP status; `null` when there is no answer. */
  readonly status: number | null
  /** The errcode in the answer, when WeChat refused. */
  readonly errcode: number | null
  /** The text that is answered, its first 4096 characters; of a picture, what it is; empty when there is no answer. */
  readonly answer: string
  /** What becomes of the call: an answer, or none. */
  readonly outcome: 'answered' | 'hang' | 'lost' | 'reset'
  /** ms until the answer: what a fault delays it by. */
  readonly ms: number
}

/** The latest calls. */
export interface CallLog {
  add(request: ApiRequest, reply: Reply): void
  /** The calls after the one of this id, of this path alone when there is one. */
  list(filter: { after: number; path: string | undefined }): LoggedCall[]
  /** The id of the latest call; 0 before the first. */
  readonly last: number
  /** Resolves with the calls when there is one that fits, or with none after `ms` or when the signal aborts. */
  wait(
    filter: { after: number; path: string | undefined },
    ms: number,
    signal: AbortSignal,
  ): Promise<LoggedCall[]>
}

/** How many calls are kept. */
const KEPT = 500
const LONGEST_TEXT = 4096

export function createCallLog(clock: Clock): CallLog {
  const calls: LoggedCall[] = []
  const waiting = new Set<() => void>()
  let last = 0

  return {
    add(request, reply) {
      last += 1
      calls.push(logged(last, clock.now(), request, reply))
      if (calls.length > KEPT) calls.shift()
      for (const look of waiting) look()
    },

    list,

    get last() {
      return last
    },

    wait(filter, ms, signal) {
      return new Promise((resolve) => {
        const timer = setTimeout(end, ms)
        signal.addEventListener('abort', end)
        waiting.add(look)
        look()

        function look(): void {
          if (list(filter).length > 0) end()
        }

        function end(): void {
          clearTimeout(timer)
          signal.removeEventListener('abort', end)
          waiting.delete(look)
          resolve(list(filter))
        }
      })
    },
  }

  function list({ after, path }: { after: number; path: string | undefined }): LoggedCall[] {
    return calls.filter((call) => call.id > after && (path === undefined || call.path === path))
  }
}

function logged(id: number, at: number, request: ApiRequest, { delay, outcome }: Reply): LoggedCall {
  const isAnswered = typeof outcome === 'object'
  const answer = isAnswered ? textOf(outcome) : ''
  return {
    ...{ id, at, method: request.method, path: request.path },
    query: Object.fromEntries(request.query),
    body: request.body.slice(0, LONGEST_TEXT),
    status: isAnswered ? outcome.status : null,
    errcode: errcodeIn(answer),
    answer: answer.slice(0, LONGEST_TEXT),
    outcome: isAnswered ? 'answered' : outcome,
    ms: delay,
  }
}

function textOf({ contentType, body }: Answer): string {
  return typeof body === 'string' ? body : `(${contentType}, ${body.length} bytes)`
}

function errcodeIn(text: string): number | null {
  try {
    // 抖音 calls it err_no.
    const { err_no, errcode = err_no } = JSON.parse(text)
    return typeof errcode === 'number' && errcode !== 0 ? errcode : null
  } catch {
    return null
  }
}
