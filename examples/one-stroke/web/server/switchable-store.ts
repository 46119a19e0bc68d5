import type { SessionRecord, SessionStore } from 'koa-weapp-session'

/** A store that can be taken away, and whose sessions can be made older. */
export interface SwitchableStore extends SessionStore {
  isDown: boolean
  /** Lets time pass for all sessions of a user: they are over when they are read next. */
  expire(openId: string): Promise<void>
  /** The sessions of a user, as they are stored. */
  sessionsOf(openId: string): Promise<{ id: string; record: SessionRecord }[]>
}

export function switchableStore(store: SessionStore): SwitchableStore {
  /** Sessions that are to be found expired, and since when (Unix ms). */
  const over = new Map<string, number>()
  /** What the store calls each user. */
  const users = new Map<string, string>()

  const switchable: SwitchableStore = {
    ...(store.timeout !== undefined && { timeout: store.timeout }),
    isDown: false,

    async read(id) {
      check()
      const entry = await store.read(id)
      return entry?.state === 'session' ? { ...entry, record: aged(id, entry.record) } : entry
    },
    async create(session) {
      check()
      const isCreated = await store.create(session)
      if (isCreated) users.set(session.record.user?.openId ?? '', session.user)
      return isCreated
    },
    async list(user) {
      check()
      return list(user)
    },
    claim: async (id) => check() ?? store.claim(id),
    refuse: async (...args) => check() ?? store.refuse(...args),
    update: async (id, record) => check() ?? store.update(id, record),
    renew: async (id, user, expires) => check() ?? store.renew(id, user, expires),
    take: async (taking) => check() ?? store.take(taking),
    confirm: async (taking) => check() ?? store.confirm(taking),
    putBack: async (taking, options) => check() ?? store.putBack(taking, options),
    end: async (id, user) => check() ?? store.end(id, user),
    revoke: async (user) => check() ?? store.revoke(user),
    close: async () => store.close?.(),

    async expire(openId) {
      for (const { id } of await switchable.sessionsOf(openId)) over.set(id, Date.now())
    },
    async sessionsOf(openId) {
      const user = users.get(openId)
      return user === undefined ? [] : list(user)
    },
  }
  return switchable

  function check(): undefined {
    if (switchable.isDown) throw new Error('connect ECONNREFUSED (somebody has pressed the button)')
  }

  async function list(user: string): Promise<{ id: string; record: SessionRecord }[]> {
    return (await store.list(user)).map(({ id, record }) => ({ id, record: aged(id, record) }))
  }

  function aged(id: string, record: SessionRecord): SessionRecord {
    const end = over.get(id)
    return end === undefined ? record : { ...record, expires: Math.min(record.expires, end) }
  }
}
