import type { SessionStore, Taking } from '../../src/stores/store.js'
import { type Base, createBase } from './base.js'

/** A store with one mistake, as somebody could make it. */
export interface BrokenStore {
  /** What it does wrong. */
  mistake: string
  /** The beginning of a case that has to find it. */
  caughtBy: string
  make(): Base
}

/** `mistaken`: methods in the place of those of a sound store. */
function broken(
  mistake: string,
  caughtBy: string,
  mistaken: (sound: SessionStore, base: Base) => Partial<SessionStore>,
): BrokenStore {
  return {
    mistake,
    caughtBy,
    make() {
      const base = createBase()
      return { ...base, store: { ...base.store, ...mistaken(base.store, base) } }
    },
  }
}

/** How long the database keeps an entry, of the ms that it is told. */
function forgetful(
  mistake: string,
  caughtBy: string,
  lifeOf: (ms: number, key: string) => number,
): BrokenStore {
  return { mistake, caughtBy, make: () => createBase(lifeOf) }
}

export const BROKEN_STORES: readonly BrokenStore[] = [
  forgetful('codes are forgotten after 3 s', 'claim(): a code is remembered', () => 3000),
  forgetful('ms are taken for seconds', 'claim() and refuse(): a code is kept', (ms) => ms * 1000),
  forgetful('nothing expires', 'claim() and refuse(): a code is kept', () => Number.POSITIVE_INFINITY),
  forgetful('what has ended is kept for ever', 'end(), confirm(), putBack() and revoke()', (ms, key) =>
    key.includes(':s:') && ms < 400_000 && ms > 200_000 ? Number.POSITIVE_INFINITY : ms,
  ),
  forgetful('a list is gone before its sessions', 'create(): a session is kept until its end', (ms, key) =>
    key.includes(':u:') ? ms / 2 : ms,
  ),

  broken('a claim is given to several', 'claim(): of 20 parallel claims', (sound) => ({
    async claim(id) {
      const entry = await sound.claim(id)
      if (entry.state !== 'claimed' || entry.age > 10_000) return entry
      return { state: 'granted', claim: { id, token: entry.token, began: Date.now() } }
    },
  })),
  broken('create() takes the token of somebody else', 'create(): with another token', (sound, { look }) => ({
    create(session) {
      const written = look(session.claim.id)
      const token = written?.state === 'claimed' ? written.token : session.claim.token
      return sound.create({ ...session, claim: { ...session.claim, token } })
    },
  })),
  broken('refuse() takes the token of somebody else', 'refuse(): another token', (sound, { look }) => ({
    refuse({ id, token }, refusal, memory) {
      const written = look(id)
      return sound.refuse(
        { id, token: written?.state === 'claimed' ? written.token : token },
        refusal,
        memory,
      )
    },
  })),
  broken('refuse() ends sessions', 'refuse(): a late refusal', (_, { write }) => ({
    async refuse({ id }, refusal) {
      write(id, { state: 'refused', refusal })
    },
  })),
  broken(
    'a claim is freed when create() returns false',
    'create(): where it returns false',
    (sound, base) => ({
      async create(session) {
        const isCreated = await sound.create(session)
        if (!isCreated && base.look(session.claim.id)?.state === 'claimed') base.forget(session.claim.id)
        return isCreated
      },
    }),
  ),
  broken(
    'create() writes over a session',
    'create(): a claim creates one session',
    (sound, { look, write }) => ({
      async create(session) {
        const isThere = look(session.id)?.state === 'session'
        if (isThere) write(session.id, { state: 'session', record: session.record })
        return isThere || sound.create(session)
      },
    }),
  ),
  broken('create() makes no room', 'create(): the session that would end first', (sound) => ({
    create: (session) => sound.create({ ...session, max: 1000, maxYoung: 1000 }),
  })),
  broken(
    'a session that began lately makes room at once',
    'create(): sessions that began within',
    (sound) => ({
      create: ({ maxYoung: _, ...session }) => sound.create(session),
    }),
  ),
  broken(
    'the expiry is left to the database',
    'read(): a session has ended at its expiry',
    (sound, base) => ({
      async read(id) {
        const written = base.look(id)
        return written?.state === 'session' ? written : sound.read(id)
      },
    }),
  ),

  broken('update() ignores the revision', 'update(): one from an older revision', (sound, { look }) => ({
    update(id, record) {
      const written = look(id)
      return sound.update(id, written?.state === 'session' ? { ...record, rev: written.record.rev } : record)
    },
  })),
  broken('update() counts no revision', 'update(): it is saved over', (_, { look, write }) => ({
    async update(id, record) {
      const written = look(id)
      if (written?.state !== 'session') return 'ended'
      if (written.record.rev !== record.rev) return { met: written.record }
      write(id, { state: 'session', record: { ...record, expires: written.record.expires } })
      return 'saved'
    },
  })),
  broken('update() brings an ended session back', 'end(): an ended session stays ended', (sound, base) => ({
    async update(id, record) {
      if (base.look(id)?.state !== 'ended') return sound.update(id, record)
      base.write(id, { state: 'session', record })
      return 'saved'
    },
  })),
  broken('update() moves the end', 'update(): the expiry stays', (sound, { look, write }) => ({
    async update(id, record) {
      const saved = await sound.update(id, record)
      const written = look(id)
      if (saved === 'saved' && written?.state === 'session')
        write(id, { state: 'session', record: { ...written.record, expires: record.expires } })
      return saved
    },
  })),
  broken('a record that was read changes later', 'update() and renew(): a record', (sound) => {
    const handedOut = new Map<string, object>()
    return {
      async read(id) {
        const entry = await sound.read(id)
        if (entry?.state === 'session') handedOut.set(id, entry.record.data)
        return entry
      },
      async update(id, record) {
        const saved = await sound.update(id, record)
        if (saved === 'saved') Object.assign(handedOut.get(id) ?? {}, record.data)
        return saved
      },
    }
  }),
  broken('what is no plain text is lost', 'create(): a session is read as it was written', (sound) => ({
    create(session) {
      const data = JSON.parse(JSON.stringify(session.record.data).replace(/[^ -~]/g, '?'))
      return sound.create({ ...session, record: { ...session.record, data } })
    },
  })),
  broken('renew() shortens', 'renew(): a session gets longer', (_, { look, write }) => ({
    async renew(id, _user, expires) {
      const written = look(id)
      if (written?.state !== 'session' || written.record.expires <= Date.now()) return
      write(id, { state: 'session', record: { ...written.record, expires } })
    },
  })),
  broken('renew() makes something of nothing', 'renew(): an id that nobody has used', (sound, base) => ({
    async renew(id, user, expires) {
      if (!base.look(id)) base.write(id, { state: 'ended' })
      await sound.renew(id, user, expires)
    },
  })),

  broken('take() lets two win', 'take(): a taken session is not updated', (sound, { look }) => ({
    async take(taking) {
      const written = look(taking.id)
      return written?.state === 'taken' ? written.record : sound.take(taking)
    },
  })),
  broken('take() answers the same token once', 'take(): of 20 parallel calls', (sound, { look }) => ({
    async take(taking) {
      return look(taking.id)?.state === 'taken' ? undefined : sound.take(taking)
    },
  })),
  broken('take() locks nothing', 'take(): a taken session is not updated', (_, { look }) => ({
    async take({ id }) {
      const written = look(id)
      return written?.state === 'session' ? written.record : undefined
    },
  })),
  broken('confirm() forgets the session', 'confirm(): the successor replaces', (sound, { forget }) => ({
    async confirm(taking) {
      await sound.confirm(taking)
      forget(taking.id)
    },
  })),
  broken(
    'putBack() takes the token of somebody else',
    'putBack(): the session is as it was',
    (sound, base) => ({
      putBack(taking, options) {
        const written = base.look(taking.id)
        return sound.putBack(
          written?.state === 'taken' ? { ...taking, token: written.token } : taking,
          options,
        )
      },
    }),
  ),
  broken('putBack() brings an ended session back', 'putBack(): a late call', (sound, { write }) => {
    const taken = new Map<string, Awaited<ReturnType<SessionStore['take']>>>()
    return {
      async take(taking) {
        const record = await sound.take(taking)
        if (record) taken.set(taking.id, record)
        return record
      },
      async putBack(taking, options) {
        const became = await sound.putBack(taking, options)
        const record = taken.get(taking.id)
        if (became === 'over' && record) write(taking.id, { state: 'session', record })
        return became
      },
    }
  }),
  broken(
    'putBack() leaves the successor’s place free',
    'putBack(): afterwards no successor',
    (sound, base) => ({
      async putBack(taking, options) {
        const before = base.look(taking.successor)
        const became = await sound.putBack(taking, options)
        if (became === 'back' && before) base.write(taking.successor, before)
        return became
      },
    }),
  ),
  broken('putBack() ends no successor', 'putBack(): with endSuccessorOf, a created', (sound) => ({
    putBack: (taking) => sound.putBack(taking),
  })),

  broken('end() ends no successor', 'end(): ending a taken session', (_, { look, write }) => ({
    async end(id) {
      const wasThere = look(id) !== undefined
      write(id, { state: 'ended' })
      return wasThere
    },
  })),
  broken(
    'end() leaves the session on its list',
    'end(): ended sessions are not listed',
    (sound, { look, write }) => {
      const ended = new Set<string>()
      return {
        async end(id, user) {
          const written = look(id)
          if (written?.state !== 'session') return sound.end(id, user)
          write(id, { state: 'ended' })
          ended.add(user)
          return true
        },
        create: (session) =>
          sound.create({ ...session, max: session.max - (ended.has(session.user) ? 1 : 0) }),
      }
    },
  ),
  broken('end() forgets', 'end(): an ended session stays ended', (sound, { forget }) => ({
    async end(id, user) {
      const wasThere = await sound.end(id, user)
      forget(id)
      return wasThere
    },
  })),
  broken('list() is that of everybody', 'list(): the sessions of one user', (sound) => {
    const users = new Set<string>()
    return {
      create(session) {
        users.add(session.user)
        return sound.create(session)
      },
      async list() {
        const all = await Promise.all([...users].map((user) => sound.list(user)))
        return all.flat()
      },
    }
  }),
  broken('list() has the oldest first', 'list(): the newest sessions first', (sound) => ({
    async list(user) {
      return (await sound.list(user)).reverse()
    },
  })),
  broken('revoke() misses a login in flight', 'revoke(): a login that began before', (sound) => ({
    async revoke(user) {
      for (const { id } of await sound.list(user)) await sound.end(id, user)
    },
  })),
  broken('revoke() misses a session that is being changed', 'revoke(): a taken session', (sound, base) => {
    const takings: Taking[] = []
    return {
      take(taking) {
        takings.push(taking)
        return sound.take(taking)
      },
      async revoke(user) {
        const ids = takings.flatMap(({ id, successor }) => [id, successor])
        const kept = ids.map((id) => ({ id, written: base.look(id) }))
        await sound.revoke(user)
        for (const { id, written } of kept) {
          if (written?.state === 'taken') base.write(id, { ...written, at: Date.now() + 60_000 })
          else if (written) base.write(id, written)
        }
      },
    }
  }),
  broken('revoke() lasts: the user never gets in again', 'revoke(): a login that began before', (sound) => {
    const revoked = new Set<string>()
    return {
      async revoke(user) {
        revoked.add(user)
        await sound.revoke(user)
      },
      create: async (session) => !revoked.has(session.user) && sound.create(session),
    }
  }),
  broken('errors are taken for nothing there', 'read(): a session has ended at its expiry', (sound) => ({
    async read(id) {
      const entry = await sound.read(id)
      return entry?.state === 'ended' ? undefined : entry
    },
  })),
]
