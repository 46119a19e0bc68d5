import { randomUUID } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Wechat } from '../../simulator/src/index.js'
import { createIds } from '../../src/crypto/ids.js'
import { type ServerProcess, type StoreSettings, startProcesses } from './processes.js'
import { until } from './until.js'
import { codeLoginHeaders, codeOnly, startWechat } from './wechat.js'

// Servers under load, while a Redis of several nodes loses one.

const USERS = 50
const SESSIONS_EACH = 4
const WORKERS = 20

/** ms for a store call in the servers under load. */
export const STORE_TIMEOUT = 500

/** A session that some phone has, and what is known of it. */
export interface KnownSession {
  openId: string
  /** What a request of this session carries. */
  headers: Record<string, string>
  /** Where Redis has it. */
  key: string
  /** Written and acknowledged before anything broke. */
  token: string
  isAlive: boolean
}

/** Servers, and the sessions that they have acknowledged: alive, logged out and revoked. */
export interface Population {
  servers: ServerProcess[]
  sessions: KnownSession[]
  /** Logs a new user in, at some server. */
  logIn(): Promise<Answer>
}

export interface Answer {
  /** `undefined` for a login. */
  session?: KnownSession
  kind: 'read' | 'write' | 'login'
  status: number
  /** Whose session the server took it for. */
  openId?: string
  /** Whose it is. */
  expected: string
  tokens: string[]
  /** ms (`performance.now()`): when it was asked, and how long the answer took. */
  began: number
  ms: number
}

/** Two servers and 200 sessions of 50 users; every tenth user is revoked, some sessions are logged out. */
export async function populate(
  t: ExecutionContext,
  store: Pick<StoreSettings, 'url' | 'cluster' | 'sentinels' | 'library'>,
): Promise<Population> {
  const wechat = startWechat(t)
  const prefix = `test:${randomUUID()}:`
  const settings = { ...store, prefix, timeout: STORE_TIMEOUT }
  const servers = await startProcesses(t, 2, { wechat, store: settings })

  async function logIn(name: string): Promise<KnownSession> {
    for (;;) {
      // A code each time: one whose login was cut short is spent.
      const headers = await codeLoginHeaders(wechat.phone(name))
      const { status } = await ask(some(servers), headers, '/')
      if (status === 200) return knownSession(wechat, prefix, wechat.user(name).openId, headers)
    }
  }

  const names = Array.from({ length: USERS * SESSIONS_EACH }, (_, n) => `user-${n % USERS}`)
  const sessions = await inParallel(names, logIn)
  await inParallel(sessions, async ({ headers, token }) => {
    const { status } = await untilAnswered(servers, headers, `/write?token=${token}`)
    if (status !== 200) throw new Error(`a new session was answered with ${status}`)
  })
  await inParallel(sessions, async (session, n) => {
    const { openId, headers } = session
    const isRevoked = (n % USERS) % 10 === 0
    if (isRevoked && n < USERS) await untilAnswered(servers, {}, `/revoke?user=${openId}`)
    if (!isRevoked && n % 9 === 0) await untilAnswered(servers, headers, '/logout')
    session.isAlive = !isRevoked && n % 9 !== 0
  })

  let strangers = 0
  return {
    servers,
    sessions,
    async logIn() {
      const name = `stranger-${++strangers}`
      const headers = await codeLoginHeaders(wechat.phone(name))
      const answer = await ask(some(servers), headers, '/')
      return { kind: 'login', expected: wechat.user(name).openId, ...answer }
    },
  }
}

/** The session of a login with these headers. */
export function knownSession(
  { appId, appSecret }: Wechat,
  prefix: string,
  openId: string,
  headers: Record<string, string>,
): KnownSession {
  const key = `${prefix}s:${createIds(appId, appSecret, 'code').session(headers['X-WX-Code'] ?? '')}`
  return { openId, headers: codeOnly(headers), key, token: `${openId}:first`, isAlive: true }
}

/** Load without a pause, twenty requests at a time, until it is told to stop. */
function putUnderLoad(population: Population): { answers: Answer[]; stop(): Promise<void> } {
  const { servers, sessions, logIn } = population
  const answers: Answer[] = []
  let isOver = false

  async function work(mine: KnownSession[]): Promise<void> {
    for (let n = 0; !isOver; n++) {
      if (n % 20 === 0) {
        answers.push(await logIn())
      } else {
        const session = some(mine)
        const kind = n % 5 === 0 ? 'write' : 'read'
        const path = kind === 'write' ? `/write?token=${session.openId}:${n}` : '/'
        const answer = await ask(some(servers), session.headers, path)
        answers.push({ session, kind, expected: session.openId, ...answer })
      }
      await sleep(20)
    }
  }

  // Each has sessions of its own, so that no two write to the same one.
  const workers = Array.from({ length: WORKERS }, (_, worker) =>
    work(sessions.filter((_, n) => n % WORKERS === worker)),
  )
  const isDone = Promise.all(workers)
  isDone.catch(() => {})
  return {
    answers,
    async stop() {
      isOver = true
      await isDone
    },
  }
}

/** Asks for each session at each server, again while the answer is 503. */
async function askForAll({ servers, sessions }: Population): Promise<Answer[]> {
  const questions = servers.flatMap((server) => sessions.map((session) => ({ server, session })))
  return inParallel(questions, async ({ server, session }) => ({
    session,
    kind: 'read',
    expected: session.openId,
    ...(await untilAnswered([server], session.headers, '/')),
  }))
}

export interface FailOver {
  population: Population
  /** Whether the fault takes a session's master away. */
  isHit(session: KnownSession): boolean
  /** Everything acknowledged so far has to be replicated before. */
  breakMaster(): Promise<void>
  /** Resolves when there is a new master. */
  promoted(): Promise<void>
  /** Whether the old master hands over, so that perhaps nobody is refused. */
  isPlanned?: boolean
}

/** ms after which the new master has to be found. */
const FOUND_WITHIN = 2000

/**
 * Servers under load lose a master: no answer is wrong, none is late, nobody is logged out, nobody who was comes
 * back, and service does. Logs what it measured.
 */
export async function testFailOver(t: ExecutionContext, failOver: FailOver): Promise<void> {
  const { population, isHit, breakMaster, promoted, isPlanned = false } = failOver
  const pauses = monitorEventLoopDelay({ resolution: 10 })
  pauses.enable()
  const { answers, stop } = putUnderLoad(population)
  const hit = () => answers.filter(({ session }) => session?.isAlive && isHit(session))
  const since = (time: number, status: number) =>
    hit().find((answer) => answer.began > time && answer.status === status)

  await sleep(2000)
  const broken = performance.now()
  await breakMaster()
  if (!isPlanned) await until(() => since(broken, 503) !== undefined)
  const failed = performance.now()
  await promoted()
  const isThere = performance.now()
  const promotion = isThere - broken
  await until(() => since(failed, 200) !== undefined)
  const back = since(failed, 200)
  const outage = back ? back.began + back.ms - broken : Number.NaN
  await sleep(3000)
  await stop()
  const after = await askForAll(population)

  const refused = hit().filter(({ status, began }) => status === 503 && began > broken)
  const last = Math.max(broken, ...refused.map(({ began, ms }) => began + ms))
  const others = answers.filter(({ session }) => session?.isAlive && !isHit(session))
  t.log(`new master after ${Math.round(promotion)} ms, service after ${Math.round(outage)} ms`)
  t.log(`last refusal ${Math.round(last - isThere)} ms after the new master was there`)
  t.log(`sessions of the lost master: ${figures(hit())}`)
  if (others.length > 0) t.log(`other sessions: ${figures(others)}`)
  assertSound(t, [...answers, ...after])
  assertInTime(t, answers, BUSY + pauses.max / 1e6)
  t.true(outage < 15_000)
  const late = refused.filter(({ began }) => began > isThere + FOUND_WITHIN)
  t.deepEqual(late.map(inBrief), [], 'refusals although there was a new master for a while')
  const cutOff = others.filter(({ status }) => status !== 200).map(inBrief)
  t.deepEqual(cutOff, [], 'sessions whose master lived and that were not served')
  const lost = after.filter(({ session, tokens }) => session?.isAlive && !tokens.includes(session.token))
  t.deepEqual(lost.map(inBrief), [], 'writes that were acknowledged, replicated, and are gone')
  const exits = population.servers.map(({ exit }) => exit)
  t.is(await Promise.race([...exits, 'running']), 'running')
}

/** What holds for every answer, whatever happens to Redis. */
function assertSound(t: ExecutionContext, answers: Answer[]): void {
  const strange = answers.filter(({ openId, expected }) => openId !== undefined && openId !== expected)
  const foreign = answers.filter(({ expected, tokens }) =>
    tokens.some((token) => !token.startsWith(expected)),
  )
  const revived = answers.filter(({ session, status }) => session?.isAlive === false && status === 200)
  const turnedAway = answers.filter(({ session, status }) => session?.isAlive !== false && status === 401)
  // A change of what the old master had, and had not replicated, meets something else at the new one.
  const isConflict = ({ kind, status }: Answer) => kind === 'write' && status === 409
  const other = answers.filter((answer) => ![200, 401, 503].includes(answer.status) && !isConflict(answer))

  t.deepEqual(strange.map(inBrief), [], 'answers to a user with the identity of another')
  t.deepEqual(foreign.map(inBrief), [], 'answers to a user with the data of another')
  t.deepEqual(revived.map(inBrief), [], 'sessions that had ended and were served')
  t.deepEqual(turnedAway.map(inBrief), [], 'sessions that were alive and refused')
  t.deepEqual(other.map(inBrief), [], 'answers that are neither service nor a refusal')
}

/** Each call of the store ends in time: one for a read, up to four for a write or a login. */
function assertInTime(t: ExecutionContext, answers: Answer[], tolerance: number): void {
  const limit = (kind: Answer['kind']) => (kind === 'read' ? 1 : 4) * STORE_TIMEOUT + tolerance
  const late = answers.filter(({ kind, ms }) => ms > limit(kind))
  t.deepEqual(late.map(inBrief), [], 'answers that came too late')
}

/** ms that a request may take longer because the machine has other things to do, beside what is measured here. */
const BUSY = 300

/** Without what must not be printed. */
function inBrief({ kind, status, openId, expected, tokens, began, ms }: Answer): string {
  const who = openId === undefined || openId === expected ? '' : `, as ${openId} instead of ${expected}`
  return `${kind}: ${status} at ${Math.round(began)} after ${Math.round(ms)} ms${who}, ${tokens.length} tokens`
}

function figures(answers: Answer[]): string {
  const refused = answers.filter(({ status }) => status === 503).length
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  return `${answers.length} requests, ${refused} × 503, slowest answer ${Math.round(slowest)} ms`
}

async function ask(
  server: ServerProcess,
  headers: Record<string, string>,
  path: string,
): Promise<Pick<Answer, 'status' | 'openId' | 'tokens' | 'began' | 'ms'>> {
  const began = performance.now()
  const response = await fetch(server.url + path, { headers, signal: AbortSignal.timeout(20_000) })
  const body = (await response.json()) as { user?: { openId: string } | null; data?: { tokens?: string[] } }
  const ms = performance.now() - began
  const openId = body.user?.openId
  return {
    status: response.status,
    tokens: body.data?.tokens ?? [],
    began,
    ms,
    ...(openId !== undefined && { openId }),
  }
}

/** Asks until the answer is no 503. */
async function untilAnswered(servers: ServerProcess[], headers: Record<string, string>, path: string) {
  let answer = await ask(some(servers), headers, path)
  await until(async () => {
    if (answer.status === 503) answer = await ask(some(servers), headers, path)
    return answer.status !== 503
  })
  return answer
}

/** Does the work for each, twenty at a time. */
async function inParallel<T, R>(items: T[], work: (item: T, n: number) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const queue = items.entries()
  const workers = Array.from({ length: WORKERS }, async () => {
    for (const [n, item] of queue) results[n] = await work(item, n)
  })
  await Promise.all(workers)
  return results
}

function some<T>(items: T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T
}
