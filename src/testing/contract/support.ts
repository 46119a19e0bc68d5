/** Sessions, claims and records for the cases of the contract. */
import { AssertionError } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type { Claim, SessionRecord, SessionStore, Taking } from '../../stores/store.js'

export interface Created {
  id: string
  user: string
  claim: Claim
  record: SessionRecord
}

export async function create(
  store: SessionStore,
  {
    user = newId(),
    record = newRecord(),
    max = 10,
    maxYoung = max,
  }: { user?: string; record?: SessionRecord; max?: number; maxYoung?: number } = {},
): Promise<Created> {
  const id = newId()
  const claim = await newClaim(store, id)
  if (!(await store.create({ id, user, claim, record, max, maxYoung })))
    throw new Error('the session was not created')
  return { id, user, claim, record }
}

/** Creates a session, and the successor that replaces it. */
export async function replaced(
  store: SessionStore,
  user: string,
  max: number,
): Promise<{ old: Created; successor: Created; replaces: Taking }> {
  const old = await create(store, { user, max })
  const successor = await createSuccessor(store, old, max)
  return { old, successor, replaces: successor.replaces }
}

/** Creates the successor of a session, and confirms it. */
export async function createSuccessor(
  store: SessionStore,
  old: Created,
  max = 10,
): Promise<Created & { replaces: Taking }> {
  const successor = await createUnconfirmed(store, old, max)
  await store.confirm(successor.replaces)
  return successor
}

/** Creates the successor of a session, and does not confirm it yet. */
export async function createUnconfirmed(
  store: SessionStore,
  { id: old, user }: Created,
  max = 10,
): Promise<Created & { replaces: Taking }> {
  const claim = await newClaim(store, newId())
  const { id } = claim
  const replaces = { id: old, user, token: newId(), successor: id }
  const record = await store.take(replaces)
  if (!record || !(await store.create({ id, user, claim, record, max, replaces }))) {
    throw new Error('the session was not replaced')
  }
  return { id, user, claim, record, replaces }
}

export async function newClaim(store: SessionStore, id: string): Promise<Claim> {
  const entry = await store.claim(id)
  if (entry.state !== 'granted') throw new Error(`the claim was not granted: ${entry.state}`)
  return entry.claim
}

export function newId(): string {
  return randomUUID()
}

export function newRecord(fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    v: 1,
    appId: 'wx-test',
    user: { appId: 'wx-test', openId: 'o-test' },
    data: {},
    key: 'sealed',
    created: Date.now(),
    expires: Date.now() + 60_000,
    rev: 0,
    ...fields,
  }
}

/** A record of a session that begins now and ends in so many ms. */
export function recordLasting(ms: number): SessionRecord {
  return newRecord({ expires: Date.now() + ms })
}

/**
 * As `ok()` of `node:assert`, which reads the source of whoever calls it, to print the expression: under a loader such as tsx
 * that takes minutes.
 */
export function ok(value: unknown, message = 'It should be there, or true.'): asserts value {
  if (!value)
    throw new AssertionError({ message, actual: value, expected: true, operator: 'ok', stackStartFn: ok })
}

/** ms: lives of sessions in a case about their ends. */
const LIVES = [1000, 8000]

/**
 * Tries a case about ends with a short life, and with a longer one where the store, or the machine, was too slow for that.
 *
 * @param attempt - `false`: the life was over too early
 */
export async function inTime(attempt: (life: number) => Promise<boolean>): Promise<void> {
  for (const life of LIVES) if (await attempt(life)) return
  ok(false, 'Each call of this store takes seconds.')
}
