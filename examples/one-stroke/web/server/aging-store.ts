import type { SessionRecord, SessionStore } from 'koa-weapp-session'

/** A store whose sessions can be made older: for them, two hours pass at once. */
export interface AgingStore extends SessionStore {
  /** Lets time pass for all sessions of a user: they are over when they are read next. */
  expire(openId: string): Promise<void>
}

export function agingStore(store: SessionStore): AgingStore {
  /** Sessions that are to be found expired, and since when (Unix ms). */
  const over = new Map<string, number>()
  /** What the store calls each user. */
  const users = new Map<string, string>()

  return {
    ...store,
    async read(id) {
      const entry = await store.read(id)
      return entry?.state === 'session' ? { ...entry, record: aged(id, entry.record) } : entry
    },
    async create(session) {
      const isCreated = await store.create(session)
      if (isCreated) users.set(session.record.user?.openId ?? '', session.user)
      return isCreated
    },
    async list(user) {
      return (await store.list(user)).map(({ id, record }) => ({ id, record: aged(id, record) }))
    },
    async expire(openId) {
      const user = users.get(openId)
      if (user === undefined) return
      for (const { id } of await store.list(user)) over.set(id, Date.now())
    },
  }

  function aged(id: string, record: SessionRecord): SessionRecord {
    const end = over.get(id)
    return end === undefined ? record : { ...record, expires: Math.min(record.expires, end) }
  }
}
