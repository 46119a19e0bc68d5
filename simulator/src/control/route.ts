import type { ObjectSchema, Schema } from './schema.js'
import type { World } from './world.js'

/** One thing that the control API does. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Below `/simulator`, with the names of its parameters: `/users/{name}/code`. */
  readonly path: string
  /** What it does, in a sentence. */
  readonly summary: string
  /** What stands in the query. Values are texts of digits where the schema says a number. */
  readonly query?: Readonly<Record<string, Schema>>
  /** What stands in the body. Without: none. */
  readonly body?: ObjectSchema
  /** The status of a success. Default 200. */
  readonly status?: number
  /** Answers with JSON. What it takes has been checked. */
  handle(call: ControlCall): object | Promise<object>
}

/** A request of the control API. */
export interface ControlCall {
  readonly world: World
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string | number>>
  readonly body: Readonly<Record<string, unknown>>
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Everything begins anew. */
  reset(): void
}

/** A route, and its parameters in a path. */
export interface Match {
  readonly route: Route
  readonly params: Record<string, string>
}

/** The routes of a path, one for each method. */
export function matchesOf(routes: readonly Route[], path: string): Match[] {
  return routes.flatMap((route) => {
    const params = paramsIn(route.path, path)
    return params === undefined ? [] : [{ route, params }]
  })
}

function paramsIn(template: string, path: string): Record<string, string> | undefined {
  const [expected, actual] = [template.split('/'), path.split('/')]
  if (expected.length !== actual.length) return undefined
  const params: Record<string, string> = {}
  for (const [i, part] of expected.entries()) {
    const given = decoded(actual[i] ?? '')
    const [, name] = /^\{(\w+)\}$/.exec(part) ?? []
    if (name !== undefined && given) params[name] = given
    else if (part !== given) return undefined
  }
  return params
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
