import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type Koa from 'koa'
import supertest, { type Response } from 'supertest'
import type { DrawingStore } from '../../examples/one-stroke/server/drawings.js'
import type { Phone, Wechat } from '../../simulator/src/index.js'
import { memoryStore, type SessionStore, type WeappSession, weappSession } from '../../src/index.js'
import { namesAreSources } from './package-names.js'
import { listen } from './server.js'
import { codeLoginHeaders, codeOnly, startWechat } from './wechat.js'

namesAreSources()

interface LogEntry {
  method: string
  path: string
  status: number
  reason?: string
  ip: string
  error?: unknown
}

interface AppModule {
  createApp(options: {
    session: WeappSession
    drawings: DrawingStore
    log?: (entry: LogEntry) => void
    checks?: Record<string, () => Promise<void>>
  }): Koa
}

interface EmbeddedModule {
  embeddedDrawings(options: { folder: string }): DrawingStore
}

interface MongoModule {
  mongoDrawings(options: { url: string }): Promise<DrawingStore>
}

// Not by import declarations: their types are those of the built package.
const folder = '../../examples/one-stroke/server'
const { createApp }: AppModule = await import(`${folder}/app.ts`)
export const { embeddedDrawings }: EmbeddedModule = await import(`${folder}/drawings-embedded.ts`)
export const { mongoDrawings }: MongoModule = await import(`${folder}/drawings-mongo.ts`)

export const LIST = '/applet/session/paints/list'
export const SAVE = '/applet/session/paints/save'
export const DELETE = '/applet/session/paints/delete'

/** A drawing of one stroke. */
export const ACTIONS = [{ color: '#1a2b3c', width: 4, points: [0, 0, 500.5, 1000, 1000, 2000] }]

/** Somebody who draws: logged in, on one phone. */
export interface Painter {
  headers: Record<string, string>
  list(query?: object): Promise<Response>
  save(body: unknown): Promise<Response>
  remove(id: unknown): Promise<Response>
}

export interface OneStroke {
  url: string
  wechat: Wechat
  app: Koa
  drawings: DrawingStore
  log: LogEntry[]
  painter(name: string): Promise<Painter>
}

export interface OneStrokeOptions {
  drawings?: DrawingStore
  sessions?: SessionStore
  checks?: Record<string, () => Promise<void>>
}

/** The drawing app on real HTTP, with drawings in a folder of its own; ends with the test. */
export async function startOneStroke(
  t: ExecutionContext,
  options: OneStrokeOptions = {},
): Promise<OneStroke> {
  const { drawings = temporaryDrawings(t), sessions = memoryStore(), checks } = options
  const wechat = startWechat(t)
  const { appId, appSecret, fetch } = wechat
  const session = weappSession({ appId, appSecret, store: sessions, wechat: { fetch, timeout: 20_000 } })
  t.teardown(() => session.close())
  const log: LogEntry[] = []
  const app = createApp({ session, drawings, log: (entry) => log.push(entry), ...(checks && { checks }) })
  const url = await listen(t, app)
  return { url, wechat, app, drawings, log, painter: (name) => newPainter(wechat.phone(name), url) }
}

/** Drawings in a folder that is gone after the test. */
export function temporaryDrawings(t: ExecutionContext): DrawingStore {
  const drawings = embeddedDrawings({ folder: temporaryFolder(t) })
  t.teardown(() => drawings.close())
  return drawings
}

export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'one-stroke-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function newPainter(phone: Phone, url: string): Promise<Painter> {
  const login = await codeLoginHeaders(phone)
  const response = await supertest(url).get('/').set(login)
  const refusal = response.get('X-WX-Session-Error')
  if (refusal) throw new Error(`the login was refused: ${refusal}`)
  return painterWith(codeOnly(login), url)
}

/** Who has this session. */
export function painterWith(headers: Record<string, string>, url: string): Painter {
  const post = async (path: string, body: unknown) =>
    supertest(url)
      .post(path)
      .set({ ...headers, 'Content-Type': 'application/json' })
      .send(typeof body === 'string' ? body : JSON.stringify(body))
  return {
    headers,
    list: async (query = {}) => supertest(url).get(LIST).query(query).set(headers),
    save: (body) => post(SAVE, body),
    remove: (id) => post(DELETE, { id }),
  }
}
