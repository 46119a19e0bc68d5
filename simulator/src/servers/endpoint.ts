import type { ApiRequest, Body } from './answer.js'

/**
 * How sure it is that an endpoint answers as the real one does.
 *
 * - `documented`: the platform's own page says so.
 * - `seen`: answers of the real one were published, or an SDK's code reads them.
 * - `guess`: nothing was found.
 */
export type Grade = 'documented' | 'seen' | 'guess'

/** What is known about an endpoint of a platform. */
export interface EndpointFacts {
  /** Where the real one is, such as `api.weixin.qq.com`. */
  host: string
  /** What it does, in a few words. */
  does: string
  /** The page that it is taken from. */
  source: string
  grade: Grade
  /** What of it is a guess, whatever the grade. */
  guess?: string
}

/** An endpoint that is simulated, and from which source. */
export interface EndpointInfo extends EndpointFacts {
  /** `any`: GET and POST. */
  method: 'GET' | 'POST' | 'any'
  /** Such as `/sns/jscode2session`. */
  path: string
  /** How often it may be called. Default: as often as you like. */
  limits?: readonly Limit[]
}

/** How often an endpoint may be called: those of the app where WeChat's limits are kept (`strict`), those of a user always. */
export interface Limit {
  /** Calls. */
  max: number
  /** Whose calls are counted: those of the mini program (default), or of each user, once the user is known. */
  of?: 'app' | 'user'
  /** Which calls are counted, such as `with force_refresh`. Default: all that the app makes. */
  which?: string
  /** A day begins at midnight in Beijing. */
  per: 'minute' | 'day'
  /** What is said when it is called more often. */
  errcode: number
}

/** One URL of a platform's API. */
export interface Endpoint extends EndpointInfo {
  handle(request: ApiRequest): Outcome
}

/** What an endpoint decides. */
export type Outcome =
  | { kind: 'answer'; body: Body }
  | { kind: 'refusal'; errcode: number; errmsg?: string; more?: Body }
  | { kind: 'file'; contentType: string; bytes: Uint8Array<ArrayBuffer> }

/** Whether a limit is one of all calls of the app. The endpoint itself counts what others are about. */
export function isOfAllCalls({ of, which }: Limit): boolean {
  return of !== 'user' && which === undefined
}

/** A success. */
export function answer(body: Body): Outcome {
  return { kind: 'answer', body }
}

/** A success with errcode 0, as most of WeChat's API says it. */
export function ok(body: Body = {}): Outcome {
  return answer({ errcode: 0, errmsg: 'ok', ...body })
}

/** A refusal. `errmsg`: another text than the platform's own; `more`: fields beside it. */
export function refuse(errcode: number, options: { errmsg?: string; more?: Body } = {}): Outcome {
  return { kind: 'refusal', errcode, ...options }
}

/** The fields of a JSON object; none when the text is anything else. */
export function parse(json: string): Body {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** What is wrong with a body that has to be JSON, as an errcode; 0 when nothing is. */
export function checkJson(body: string): 0 | 44002 | 47001 {
  if (body === '') return 44002
  try {
    return typeof JSON.parse(body) === 'object' ? 0 : 47001
  } catch {
    return 47001
  }
}
