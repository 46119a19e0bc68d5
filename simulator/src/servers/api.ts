import type { Clock } from '../clock.js'
import { type Answer, type ApiRequest, htmlPage, type Reply } from './answer.js'
import type { Dialect } from './dialect.js'
import { type Endpoint, isOfAllCalls, type Outcome, parse, refuse } from './endpoint.js'
import type { Fault, Faults } from './faults.js'
import type { Quotas } from './quotas.js'

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

/** The errcode of a path that is not simulated: WeChat's own for a path that it does not have. */
const INVALID_URL = 40066

/** Whether a path exchanges a code of a login. */
export function isExchange(path: string): boolean {
  return path.endsWith('/jscode2session')
}

export function createApi(options: {
  endpoints: readonly Endpoint[]
  dialect: Dialect
  faults: Faults
  quotas: Quotas
  clock: Clock
  /** Whether a call can be laid to the app's charge. One that cannot counts for nobody. */
  isOurs(request: ApiRequest): boolean
}): Api {
  const { dialect, faults, quotas, clock, isOurs } = options
  const endpoints = new Map(options.endpoints.map((endpoint) => [endpoint.path, endpoint]))
  const calls: ApiCall[] = []

  return {
    calls,

    reply(request) {
      const fault = faults.take(request.path)
      const { reply, errcode } = fault === undefined ? honest(request) : spoilt(request, fault)
      const code = codeOf(request)
      calls.push({
        path: request.path,
        at: clock.now(),
        ...(code !== undefined && { code }),
        ...(errcode !== undefined && { errcode }),
      })
      return reply
    },
  }

  function honest(request: ApiRequest): Decision {
    return decided(request, decide(request))
  }

  function spoilt(request: ApiRequest, fault: Fault): Decision {
    if (fault === 'reset') return { reply: { delay: 0, outcome: 'reset' } }
    if (typeof fault === 'string') return spoiltAnswer(honest(request), fault)

    if ('errcode' in fault) {
      if (fault.consume ?? true) decide(request)
      const { errcode, errmsg } = fault
      return decided(request, refuse(errcode, errmsg === undefined ? {} : { errmsg }), fault.delay)
    }
    if ('status' in fault) {
      if (fault.consume ?? false) decide(request)
      return { reply: { delay: fault.delay ?? 0, outcome: htmlPage(fault.status, fault.body) } }
    }
    const { reply, ...decision } = honest(request)
    return { ...decision, reply: { ...reply, delay: fault.delay } }
  }

  /** What the platform would decide, and all its effects. */
  function decide(request: ApiRequest): Outcome {
    const { method, path } = request
    const endpoint = endpoints.get(path)
    if (endpoint === undefined) return notSimulated(method, path)
    const isAllowed = endpoint.method === 'any' ? METHODS.includes(method) : method === endpoint.method
    if (!isAllowed) return refuse(endpoint.method === 'POST' ? 43002 : 43001)

    const broken = isOurs(request) ? quotas.take(path, endpoint.limits?.filter(isOfAllCalls) ?? []) : 0
    return broken === 0 ? endpoint.handle(request) : refuse(broken)
  }

  function decided(request: ApiRequest, outcome: Outcome, delay = 0): Decision {
    if (outcome.kind === 'file') {
      const { contentType, bytes } = outcome
      return { reply: { delay, outcome: { status: 200, contentType, body: bytes } } }
    }
    const { path } = request
    const body =
      outcome.kind === 'answer'
        ? outcome.body
        : { ...dialect.refusal(outcome.errcode, path, outcome.errmsg), ...outcome.more }
    const errcode = dialect.errcodeOf(body)
    const answer = { status: 200, contentType: dialect.contentType(path), body: JSON.stringify(body) }
    return { reply: { delay, outcome: answer }, ...(errcode !== undefined && { errcode }) }
  }
}

const METHODS = ['GET', 'POST']

interface Decision {
  reply: Reply
  errcode?: number
}

/**
 * SDKs read JSON, whatever the status, and show its errmsg: so it has the form and the status 200 of every refusal, and
 * says what is the matter.
 */
function notSimulated(method: string, path: string): Outcome {
  const errmsg = `invalid url: weapp-simulator does not simulate ${method} ${path}`
  return refuse(INVALID_URL, { errmsg })
}

/** The code that a call brings: in the query, or with 抖音 in the body. */
function codeOf({ path, query, body }: ApiRequest): string | undefined {
  if (!isExchange(path)) return undefined
  const code = query.get('js_code') ?? query.get('code') ?? parse(body).code
  return typeof code === 'string' ? code : undefined
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
      return without(answer, ['openid', 'userid'])
    case 'withoutSessionKey':
      return without(answer, ['session_key'])
  }
}

function without(answer: Answer, fields: readonly string[]): Answer {
  if (answer.status !== 200 || typeof answer.body !== 'string') return answer
  // Of 抖音 they are one level deeper.
  const body = JSON.stringify(JSON.parse(answer.body), (key, value: unknown) =>
    fields.includes(key) ? undefined : value,
  )
  return { ...answer, body }
}
