import { setTimeout as sleep } from 'node:timers/promises'
import type { Phone } from '../../simulator/src/index.js'
import { codeLoginHeaders, codeOnly, loginHeaders } from '../support/wechat.js'
import type { Asking, Outcome } from './asking.js'
import { acknowledge, type Field, newField, observe } from './fields.js'
import type { Ledger } from './ledger.js'
import { chance, newToken, oneOf, upTo } from './random.js'
import type { Answer } from './request.js'
import type { Server } from './servers.js'

/** A session as its visitor knows it. */
export interface Session {
  readonly server: Server
  /** Nothing for a guest. */
  readonly openId: string | undefined
  /** What its requests carry. */
  headers: Record<string, string>
  /** Unix ms: it lives until then at least. */
  expires: number
  readonly fields: readonly [Field, Field]
}

export interface VisitTools {
  asking: Asking
  ledger: Ledger
  servers: readonly Server[]
}

/** ms between two operations of a visitor: twice that at most. */
const PAUSE = 180

/** ms before a visitor who could not log in comes again, as clients wait. */
const BACK_OFF = 1000

/** ms that a handler takes to write: a request that is aborted meanwhile writes all the same. */
const SLOW_WRITE = 30

/** ms before the end of a session in which it may have ended: an operation may have to wait for a rest to be over. */
const MARGIN = 20_000

/**
 * ms that a session may be answered from the memory of a server after another server has ended it: `cache.maxAge`, and
 * the way there. Where Redis tells of the change, it is a moment.
 */
const CACHE_AGE = 11_000

/**
 * A user logs in, reads, writes and goes. Nobody else has this user meanwhile. Resolves to the session that was left to
 * expire, if it was.
 */
export async function visit(phone: Phone, tools: VisitTools): Promise<Session | undefined> {
  const server = oneOf(tools.servers)
  const session = await begin(phone, server, tools)
  if (!session) return undefined
  for (let steps = 3 + upTo(8); steps > 0; steps--) {
    await sleep(upTo(2 * PAUSE))
    if (!(await step(session, tools))) return undefined
  }
  return leave(session, tools)
}

function begin(phone: Phone, server: Server, tools: VisitTools): Promise<Session | undefined> {
  if (server.carrier === 'header' && chance(0.15)) return beginAsGuest(server, tools)
  return logIn(phone, server, tools)
}

async function logIn(phone: Phone, server: Server, { asking }: VisitTools): Promise<Session | undefined> {
  const { openId } = phone.user
  const headers = chance(0.5) ? await loginHeaders(phone) : await codeLoginHeaders(phone)
  const operation = { what: 'login', server, path: '/', headers, openId }
  if (chance(0.05)) {
    await asking.ask({ ...operation, what: 'login, aborted', abortAfter: upTo(20) }, LOGIN_IS_LATE)
    return undefined
  }
  const twin = chance(0.1) ? asking.ask({ ...operation, what: 'login, twice' }, OK) : undefined
  const outcome = await asking.ask(operation, OK)
  if (twin) await twin
  if (outcome.kind !== 'answered') {
    await sleep(BACK_OFF)
    return undefined
  }
  const { expires = 0, session } = outcome.answer
  return {
    ...{ server, openId, expires },
    headers: session === undefined ? codeOnly(headers) : { 'X-WX-Session': session },
    fields: [newField('a'), newField('b')],
  }
}

async function beginAsGuest(server: Server, { asking, ledger }: VisitTools): Promise<Session | undefined> {
  const token = newToken()
  const path = `/write?field=a&token=${token}`
  const outcome = await asking.ask({ what: 'first write of a guest', server, path, headers: {} }, OK)
  if (outcome.kind !== 'answered') return undefined
  const { session, expires = 0 } = outcome.answer
  if (session === undefined) {
    ledger.wrong(`${server.name}: a guest is given no credential`)
    return undefined
  }
  const fields = [newField('a'), newField('b')] as const
  acknowledge(fields[0], token)
  return { server, openId: undefined, headers: { 'X-WX-Session': session }, expires, fields }
}

/** One operation. `false`: the visit is over. */
async function step(session: Session, tools: VisitTools): Promise<boolean> {
  if (session.expires - Date.now() < MARGIN) return false
  const dice = Math.random()
  if (dice < 0.45) return read(session, tools)
  if (dice < 0.75) return write(session, session.fields[upTo(2)] as Field, tools)
  if (dice < 0.85) return writeBoth(session, tools)
  if (dice < 0.93) return abortWrite(session, tools)
  return session.server.carrier === 'header' ? rotate(session, tools) : read(session, tools)
}

async function read(session: Session, tools: VisitTools): Promise<boolean> {
  const outcome = await present('read', session, '/', tools)
  if (outcome.kind === 'answered') checkData(session, session.fields, outcome.answer, tools)
  return outcome.kind !== 'wrong'
}

async function write(session: Session, field: Field, tools: VisitTools): Promise<boolean> {
  const token = newToken()
  // Until somebody says so, it may be stored or not.
  const isRisky = field.possible.size > 0
  field.possible.add(token)
  const path = `/write?field=${field.name}&token=${token}`
  const outcome = await present('write', session, path, tools, isRisky ? OK_OR_CONFLICT : OK)
  if (outcome.kind === 'answered' && outcome.answer.status === 200) {
    const others = session.fields.filter((each) => each !== field && each.possible.size === 0)
    checkData(session, others, outcome.answer, tools)
    acknowledge(field, token)
  }
  return outcome.kind !== 'wrong'
}

/** Two writes at the same time, of different fields: both are kept. */
async function writeBoth(session: Session, tools: VisitTools): Promise<boolean> {
  const [a, b] = session.fields
  const token = [newToken(), newToken()] as const
  const pathOf = (field: Field, value: string) => `/write?field=${field.name}&token=${value}&ms=${SLOW_WRITE}`
  const statuses = a.possible.size + b.possible.size > 0 ? OK_OR_CONFLICT : OK
  a.possible.add(token[0])
  b.possible.add(token[1])
  const outcomes = await Promise.all([
    present('parallel write', session, pathOf(a, token[0]), tools, statuses),
    present('parallel write', session, pathOf(b, token[1]), tools, statuses),
  ])
  for (const [n, field] of session.fields.entries()) {
    const outcome = outcomes[n] as Outcome
    if (outcome.kind === 'answered' && outcome.answer.status === 200) acknowledge(field, token[n] as string)
  }
  return outcomes.every(({ kind }) => kind !== 'wrong')
}

/** The visitor goes away while the handler writes. */
async function abortWrite(session: Session, tools: VisitTools): Promise<boolean> {
  const { server, headers, openId } = session
  const field = session.fields[upTo(2)] as Field
  const token = newToken()
  field.possible.add(token)
  const path = `/write?field=${field.name}&token=${token}&ms=${SLOW_WRITE}`
  const operation = { what: 'write, aborted', server, path, headers, openId, abortAfter: upTo(SLOW_WRITE) }
  const outcome = await tools.asking.ask(operation, OK_OR_CONFLICT)
  return outcome.kind !== 'wrong'
}

async function rotate(session: Session, tools: VisitTools): Promise<boolean> {
  const outcome = await present('rotate', session, '/rotate', tools)
  // Where nobody has told the visitor, they may have the old credential or none: the visit is over.
  if (outcome.kind !== 'answered') return false
  const { session: credential } = outcome.answer
  if (credential === undefined) {
    tools.ledger.wrong(`${session.server.name}: a rotation gives no credential`)
    return false
  }
  const old = { ...session }
  session.headers = { 'X-WX-Session': credential }
  await expectDead(old, 'a credential after its rotation', tools, 0)
  return true
}

async function leave(session: Session, tools: VisitTools): Promise<Session | undefined> {
  const { server, openId } = session
  if (session.expires - Date.now() < MARGIN || chance(0.3)) return session
  if (openId !== undefined && chance(0.25)) {
    const revoking = oneOf(tools.servers)
    const path = `/revoke?user=${openId}`
    const outcome = await tools.asking.ask({ what: 'revoke', server: revoking, path, headers: {} }, OK)
    const patience = session.server.isCached && revoking !== server ? CACHE_AGE : 0
    if (outcome.kind === 'answered')
      await expectDead(session, 'a session after its revocation', tools, patience)
    return undefined
  }
  const outcome = await present('logout', session, '/logout', tools)
  if (outcome.kind === 'answered') await expectDead(session, 'a session after its logout', tools, 0)
  return undefined
}

/** The session of somebody who has not been back until after its end. */
export function expectExpired(session: Session, tools: VisitTools): Promise<void> {
  return expectDead(session, 'a session after its end', tools, 0)
}

/** Asks with a credential that is good no more, until it is refused: `patience` ms at most. */
async function expectDead(
  { server, headers, openId }: Session,
  what: string,
  { asking, ledger }: VisitTools,
  patience: number,
): Promise<void> {
  const began = performance.now()
  for (;;) {
    const outcome = await asking.ask({ what, server, path: '/', headers, openId }, [200, 401])
    if (outcome.kind !== 'answered' || outcome.answer.status === 401) return
    if (performance.now() - began >= patience) break
    await sleep(PAUSE)
  }
  ledger.wrong(`${server.name}: ${what} is good still`)
}

function present(
  what: string,
  { server, headers, openId }: Session,
  path: string,
  { asking }: VisitTools,
  statuses: readonly number[] = OK,
): Promise<Outcome> {
  return asking.ask({ what, server, path, headers, openId }, statuses)
}

function checkData(session: Session, fields: readonly Field[], answer: Answer, { ledger }: VisitTools): void {
  if (answer.openId !== session.openId) ledger.wrong(`${session.server.name}: a user is answered as a guest`)
  if (answer.expires !== undefined) session.expires = answer.expires
  for (const field of fields) {
    const value = answer.data[field.name]
    if (observe(field, value)) continue
    ledger.wrong(
      `${session.server.name}: ${field.name} is ${value}, and ${field.known} was acknowledged` +
        ` (or ${[...field.possible]})`,
    )
  }
}

const OK = [200]
/** A write beside another whose outcome is unknown may meet it. */
const OK_OR_CONFLICT = [200, 409]
/** A login that was to be aborted may be faster. */
const LOGIN_IS_LATE = [200]
