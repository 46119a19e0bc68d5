import { LRUCache } from 'lru-cache'
import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import { WeappSessionError } from '../errors.js'
import type { SessionStore } from '../stores/store.js'
import type { WechatSession } from '../wechat/code2session.js'
import { decryptUserData, type EncryptedData } from '../wechat/user-info.js'
import type { LoadedSession } from './session.js'
import type { Sessions } from './sessions.js'

export interface OpenDataOptions {
  appId: string
  ids: Ids
  store: Pick<SessionStore, 'list'>
  sessions: Pick<Sessions, 'update'>
  sealer: Sealer
}

/** Opens what WeChat has encrypted for a user. */
export interface OpenData {
  /** @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA, whatever is wrong */
  open(session: LoadedSession, encrypted: EncryptedData): Promise<Record<string, unknown>>
  /**
   * The same at a login, with the key that has just come from WeChat.
   *
   * @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA, whatever is wrong
   */
  openFirst(
    id: string,
    wechat: Pick<WechatSession, 'sessionKey' | 'openId'>,
    encrypted: EncryptedData,
  ): Record<string, unknown>
}

/**
 * Failures of one session, in one process, after which nothing opens any more. CBC has no integrity: who may try
 * often enough makes data of their own, byte by byte.
 */
const FAILURES_MAX = 10

/** Sessions whose failures are remembered. */
const SESSIONS_MAX = 10_000

/** Other sessions of the user whose keys are tried. */
const OTHERS = 2

/**
 * A user has one session_key at a time, and each `wx.login` may change it: data that was encrypted just before or
 * just after may need the key of the user's last session, on whichever phone. So those are tried too.
 */
export function createOpenData({ appId, ids, store, sessions, sealer }: OpenDataOptions): OpenData {
  const failures = new LRUCache<string, number>({ max: SESSIONS_MAX })

  return { open, openFirst }

  async function open(session: LoadedSession, encrypted: EncryptedData): Promise<Record<string, unknown>> {
    const { id, record } = session
    const before = Math.max(failures.get(id) ?? 0, record.failures ?? 0)
    // Nothing is awaited between the count and the attempt: a thousand at once are a thousand one by one.
    if (before >= FAILURES_MAX) throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
    const opened = attempt(session, encrypted)
    if (opened) return opened

    failures.set(id, before + 1)
    const other = await attemptOthers(session, encrypted)
    if (other) {
      // No failure after all.
      failures.set(id, (failures.get(id) ?? 1) - 1)
      return other
    }
    await remember(session)
    throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
  }

  function openFirst(
    id: string,
    { sessionKey, openId }: Pick<WechatSession, 'sessionKey' | 'openId'>,
    encrypted: EncryptedData,
  ): Record<string, unknown> {
    const before = failures.get(id) ?? 0
    if (before >= FAILURES_MAX) throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
    try {
      return decryptUserData(encrypted, sessionKey, { appId, openId })
    } catch (error) {
      failures.set(id, before + 1)
      throw error
    }
  }

  function attempt(
    { id, record }: LoadedSession,
    encrypted: EncryptedData,
  ): Record<string, unknown> | undefined {
    const sessionKey = sealer.open(record.key, id)
    if (sessionKey === undefined) return undefined
    try {
      return decryptUserData(encrypted, sessionKey, { appId, openId: record.user?.openId ?? '' })
    } catch {
      return undefined
    }
  }

  async function attemptOthers(
    { id, record }: LoadedSession,
    encrypted: EncryptedData,
  ): Promise<Record<string, unknown> | undefined> {
    const sessions = await store.list(ids.owner(record.user, id))
    for (const other of sessions.filter((other) => other.id !== id).slice(0, OTHERS)) {
      const opened = attempt({ ...other, credential: '' }, encrypted)
      if (opened) return opened
    }
    return undefined
  }

  /** For the other processes. If a parallel write wins, the counter of this process still has the failure. */
  async function remember({ id, record }: LoadedSession): Promise<void> {
    const failed = failures.get(id) ?? 1
    await sessions
      .update(id, record, (current) => ({
        ...current,
        failures: Math.max(failed, (current.failures ?? 0) + 1),
      }))
      .catch(() => {})
  }
}
