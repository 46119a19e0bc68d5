import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import Koa, { type Middleware } from 'koa'
import type { Wechat } from '../../simulator/src/index.js'
import { headerCarrier, type WeappSessionOptions, weappSession } from '../../src/index.js'
import { type Inspector, type InspectorOptions, inspector } from '../../src/inspector/index.js'
import type { Entry, EventEntry, Message, RequestEntry, Situation } from '../../src/inspector/protocol.js'
import { until } from './until.js'
import { startWechat } from './wechat.js'

export interface Inspected {
  app: Koa
  server: Server
  url: string
  wechat: Wechat
  inspect: Inspector
}

export interface InspectedOptions {
  inspector?: InspectorOptions
  session?: Partial<WeappSessionOptions>
  /** What comes before the inspector. */
  before?: Middleware[]
  /** What comes after the session middleware. Default: answers with the user. */
  handlers?: Middleware[]
}

/** A Koa app of somebody with an inspector, and a WeChat of its own; ends with the test. */
export async function startInspected(
  t: ExecutionContext,
  options: InspectedOptions = {},
): Promise<Inspected> {
  const { before = [], handlers = [showUser] } = options
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const app = new Koa()
  app.silent = true
  const inspect = inspector(options.inspector)
  t.teardown(() => inspect.close())
  for (const middleware of before) app.use(middleware)
  app.use(inspect)
  const session = weappSession({
    ...{ appId, appSecret, wechat: { fetch } },
    carrier: headerCarrier({ keys: 'k'.repeat(32) }),
    ...options.session,
  })
  t.teardown(() => session.close())
  app.use(session)
  for (const middleware of handlers) app.use(middleware)
  const server = createServer(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { app, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, wechat, inspect }
}

function showUser(ctx: Koa.Context): void {
  ctx.body = { user: ctx.$wxUserInfo }
}

/** What a page of the inspector would be told. */
export interface Listener {
  entries(): Entry[]
  requests(): RequestEntry[]
  events(): EventEntry[]
  situation(): Situation | undefined
  /** All that came, as text. */
  text(): string
  isOver(): boolean
  /** A request on this path, once its answer is there. */
  request(path: string): Promise<RequestEntry>
}

/** Listens as a page does; ends with the test. */
export async function listen(t: ExecutionContext, base: string): Promise<Listener> {
  const entries = new Map<number, Entry>()
  let situation: Situation | undefined
  let text = ''
  let rest = ''
  let isOver = false
  const listening = request(`${base}/__weapp/events`)
  listening.on('error', () => {})
  listening.end()
  t.teardown(() => listening.destroy())
  const [response] = (await once(listening, 'response')) as [import('node:http').IncomingMessage]
  t.is(response.statusCode, 200)
  response.on('error', () => {})
  response.on('close', () => {
    isOver = true
  })
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const lines = (rest + chunk).split('\n\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data: {')) hear(JSON.parse(line.slice(6)) as Message)
  })
  await until(() => situation !== undefined)

  const requests = () => [...entries.values()].filter((entry) => entry.type === 'request')
  return {
    entries: () => [...entries.values()],
    requests,
    events: () => [...entries.values()].filter((entry) => entry.type === 'event'),
    situation: () => situation,
    text: () => text,
    isOver: () => isOver,
    async request(path) {
      const find = () => requests().findLast((entry) => entry.path === path && entry.response !== undefined)
      await until(() => find() !== undefined)
      return find() as RequestEntry
    },
  }

  function hear(message: Message): void {
    if ('situation' in message) situation = message.situation
    if ('entry' in message) entries.set(message.entry.id, message.entry)
    if ('cleared' in message) entries.clear()
  }
}

/** Does what a button does. */
export async function act(
  base: string,
  name: string,
  input: object = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${base}/__weapp/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(input),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}
