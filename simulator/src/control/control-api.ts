import type { IncomingMessage, ServerResponse } from 'node:http'
import { readJson } from './body.js'
import { ControlError } from './control-error.js'
import { type Match, matchesOf, type Route } from './route.js'
import { describeRoutes, ROUTES } from './routes.js'
import { findFault, type Schema } from './schema.js'
import type { World } from './world.js'

/** What the control API works on. */
export interface ControlSituation {
  world(): World
  reset(): void
  /** Called after each request that may have changed something. */
  changed(): void
}

/** Answers a request below `/simulator` with JSON. `path` begins after that. */
export async function answerControl(
  situation: ControlSituation,
  request: IncomingMessage,
  response: ServerResponse,
  { path, search }: { path: string; search: string },
): Promise<void> {
  const { route, params } = choose(request.method ?? 'GET', path)
  const query = readQuery(route, new URLSearchParams(search))
  const body = await readBody(route, request)
  const gone = new AbortController()
  response.once('close', () => gone.abort())

  const { world, reset } = situation
  const answer = await route.handle({ world: world(), params, query, body, signal: gone.signal, reset })
  if (route.method !== 'GET') situation.changed()
  sendJson(response, route.status ?? 200, answer)
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  response.writeHead(status, headers).end(`${JSON.stringify(body, null, 2)}\n`)
}

/** Says why a request is refused. What is not a refusal is a mistake of the simulator's own. */
export function sendError(response: ServerResponse, error: unknown): void {
  const isRefusal = error instanceof ControlError
  const { code, message } = isRefusal ? error : { code: 'ERR_INTERNAL', message: String(error) }
  const routes = code === 'ERR_NOT_FOUND' ? { routes: describeRoutes() } : {}
  if (!response.headersSent) {
    // The rest of a body that nobody reads would be taken for the next request.
    response.setHeader('Connection', 'close')
    if (isRefusal) for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
  }
  sendJson(response, isRefusal ? error.status : 500, { error: { code, message }, ...routes })
}

function choose(method: string, path: string): Match {
  const matches = matchesOf(ROUTES, path)
  if (matches.length === 0) {
    throw new ControlError('ERR_NOT_FOUND', `There is no /simulator${path}. See "routes".`)
  }
  const match = matches.find(({ route }) => route.method === method)
  if (match) return match
  const allowed = matches.map(({ route }) => route.method).join(', ')
  const message = `${method} is not for /simulator${path}: ${allowed} is.`
  throw new ControlError('ERR_METHOD', message, { Allow: allowed })
}

async function readBody(route: Route, request: IncomingMessage): Promise<Record<string, unknown>> {
  if (route.method === 'GET') return {}
  const body = await readJson(request)
  const fault = findFault(route.body ?? { type: 'object', properties: {} }, body, 'body')
  if (fault !== undefined) throw new ControlError('ERR_BAD_REQUEST', `${fault}.`)
  return body as Record<string, unknown>
}

function readQuery({ query = {} }: Route, given: URLSearchParams): Record<string, string | number> {
  const values = Array.from(given, ([name, text]) => [name, typed(query[name], text)] as const)
  const read = Object.fromEntries(values)
  const fault = findFault({ type: 'object', properties: query }, read, 'query')
  if (fault !== undefined) throw new ControlError('ERR_BAD_REQUEST', `${fault}.`)
  return read
}

/** A query has texts alone. */
function typed(schema: Schema | undefined, text: string): string | number {
  const isNumber = schema && 'type' in schema && (schema.type === 'integer' || schema.type === 'number')
  return isNumber && /^\d+(\.\d+)?$/.test(text) ? Number(text) : text
}
