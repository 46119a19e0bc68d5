import type { Clock } from '../clock.js'
import {
  type Answer,
  type ApiRequest,
  answerWith,
  type Body,
  htmlPage,
  type Reply,
  refusal,
} from './answer.js'
import type { Endpoint } from './endpoints.js'
import type { Fault, Faults } from './faults.js'

/** A call of WeChat's API that arrived. */
export interface ApiCall {
  /** Such as `/sns/jscode2session`. */
  readonly path: string
  /** When it arrived: ms since 1970 by the simulator's clock. */
  readonly at: number
  /** The code that it was to exchange. */
  readonly code?: string
  /** What WeChat decided, when that was a refusal; also when the answer was then lost. */
  readonly errcode?: number
}

/** WeChat's API without the network: decides about each call the moment it arrives. */
export interface Api {
  readonly calls: readonly ApiCall[]
  reply(request: ApiRequest): Reply
}

export function createApi(options: {
  endpoints: ReadonlyMap<string, Endpoint>
  faults: Faults
  clock: Clock
  /** The errcode of a quota that a call is over; `undefined` while there is some left. */
  overQuota(request: ApiRequest): number | undefined
}): Api {
  const { endpoints, faults, clock, overQuota } = options
  const calls: ApiCall[] = []

  return {
    calls,

    reply(request) {
      const fault = faults.take(request.path)
      const { reply, errcode } = fault === undefined ? honest(request) : spoilt(request, fault)
      const code = request.query.get('js_code')
      calls.push({
        path: request.path,
        at: clock.now(),
        ...(code !== null && { code }),
        ...(errcode !== undefined && { errcode }),
      })
      return reply
    },
  }

  function honest(request: ApiRequest): Decision {
    const body = decide(request)
    return body === undefined ? answered(htmlPage(404)) : decided(body)
  }

  function spoilt(request: ApiRequest, fault: Fault): Decision {
    if (fault === 'reset') return { reply: { delay: 0, outcome: 'reset' } }
    if (typeof fault === 'string') return spoiltAnswer(honest(request), fault)

    if ('errcode' in fault) {
      if (fault.consume ?? true) decide(request)
      return decided(refusal(fault.errcode, clock.now(), fault.errmsg), fault.delay)
    }
    if ('status' in fault) {
      if (fault.consume ?? false) decide(request)
      return answered(htmlPage(fault.status, fault.body), fault.delay)
    }
    const { reply, ...decision } = honest(request)
    return { ...decision, reply: { ...reply, delay: fault.delay } }
  }

  /** The body that WeChat would send, and all its effects; none for an unknown path. */
  function decide(request: ApiRequest): Body | undefined {
    const endpoint = endpoints.get(request.path)
    if (endpoint === undefined) return undefined
    if (request.method !== endpoint.method) {
      return refusal(endpoint.method === 'GET' ? 43001 : 43002, clock.now())
    }
    const body = overQuota(request) ?? endpoint.handle(request)
    return typeof body === 'number' ? refusal(body, clock.now()) : body
  }
}

interface Decision {
  reply: Reply
  errcode?: number
}

function answered(answer: Answer, delay = 0): Decision {
  return { reply: { delay, outcome: answer } }
}

function decided(body: Body, delay = 0): Decision {
  const { errcode } = body
  const decision = answered(answerWith(body), delay)
  return typeof errcode === 'number' && errcode !== 0 ? { ...decision, errcode } : decision
}

/** What is left of a decision that WeChat has made, and its effects with it. */
function spoiltAnswer(decision: Decision, fault: Exclude<Fault, object | 'reset'>): Decision {
  const { outcome } = decision.reply
  if (typeof outcome === 'string') return decision
  return { ...decision, reply: { delay: 0, outcome: spoil(outcome, fault) } }
}

function spoil(answer: Answer, fault: Exclude<Fault, object | 'reset'>): Reply['outcome'] {
  switch (fault) {
    case 'hang':
    case 'lost':
      return fault
    case 'truncated':
      return { ...answer, body: answer.body.slice(0, answer.body.length / 2) }
    case 'withoutOpenId':
      return without(answer, 'openid')
    case 'withoutSessionKey':
      return without(answer, 'session_key')
  }
}

function without(answer: Answer, field: string): Answer {
  if (answer.status !== 200) return answer
  const { [field]: _, ...rest }: Body = JSON.parse(answer.body)
  return { ...answer, body: JSON.stringify(rest) }
}
