import { setTimeout as sleep } from 'node:timers/promises'
import type { ResolvedOptions } from './options.js'
import type { SessionStore } from './stores/store.js'
import { deadline } from './util/deadline.js'
import type { Problem } from './util/problem.js'
import { createWechatCheck } from './wechat/check.js'

/** What `session.check()` found. */
export interface Checked {
  /** Whether there is no problem. */
  ok: boolean
  problems: Problem[]
}

/** ms for a part of the check, whatever its own deadlines are; and, of the store's, for one read and for what it tells. */
const PATIENCE = 9000
const READ_PATIENCE = 3000
const TELLING_PATIENCE = 5000

/** ms in which a read is tried again: the first connection may take longer than a request waits for it. */
const GRACE = 1000
const PAUSE = 200

/** Under it nothing is ever stored: ids are hashes, and this is none. */
const NO_ID = 'weapp-session-check---'

/** Asks the store and WeChat whether a login would work, and never rejects. */
export function createCheck({ apps, store, wechat }: ResolvedOptions): () => Promise<Checked> {
  const asked = Object.entries(apps).map(([appId, appSecret]) =>
    createWechatCheck({ appId, appSecret, ...wechat }),
  )

  return async function check() {
    const found = await Promise.all([
      part('WEAPP_STORE', () => checkStore(store)),
      ...asked.map((ask) => part('WEAPP_502', async () => [(await ask()) ?? []].flat())),
    ])
    const problems = found.flat()
    return { ok: problems.length === 0, problems }
  }
}

/** One part of the check. Whatever happens there is a finding. */
async function part(code: string, work: () => Promise<Problem[]>): Promise<Problem[]> {
  try {
    return await deadline(PATIENCE, work(), () => new Error(`no answer within ${PATIENCE} ms`))
  } catch (error) {
    const fix = 'Read the sentence, which is of the store or of wechat.fetch.'
    return [{ code, message: `The check failed: ${messageOf(error)}.`, fix }]
  }
}

async function checkStore(store: SessionStore): Promise<Problem[]> {
  const error = await readError(store)
  // It knows better why it cannot be read.
  const problems = await inTime(TELLING_PATIENCE, async () => (await store.check?.()) ?? []).catch(() => [])
  if (error === undefined || problems.length > 0) return problems
  // It may have been connected meanwhile.
  if (store.check && (await readError(store, 0)) === undefined) return []
  return [
    {
      code: 'WEAPP_STORE',
      message: `The store cannot be read: ${messageOf(error)}.`,
      fix: 'Requests that need a session get 503 until it can: mend the store, or give it more time (timeout).',
    },
  ]
}

/** Why the store cannot be read as requests read it; nothing when it can. */
async function readError(store: SessionStore, grace = GRACE): Promise<unknown> {
  const began = performance.now()
  for (;;) {
    try {
      await inTime(Math.min(store.timeout || READ_PATIENCE, READ_PATIENCE), async () => store.read(NO_ID))
      return undefined
    } catch (error) {
      if (performance.now() - began > grace) return error ?? new Error('it threw nothing')
      await sleep(PAUSE)
    }
  }
}

function inTime<T>(ms: number, work: () => Promise<T>): Promise<T> {
  return deadline(ms, work(), () => new Error(`no answer within ${ms} ms`))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : 'it threw something that is no error'
}
