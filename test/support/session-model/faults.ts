import type { SessionCarrier } from '../../../src/carriers/carrier.js'
import type { Carrier, SessionStore } from '../../../src/index.js'
import type { PresentedCredential } from '../../../src/session/session.js'

export interface Fault {
  store?(store: SessionStore): SessionStore
  carrier?(carrier: Carrier): Carrier
}

/** What could be wrong with a store or a carrier: the model has to find each. */
export const FAULTS: Record<string, Fault> = {
  'a logout that ends nothing': { store: (store) => ({ ...store, end: async () => true }) },

  'a revocation that ends nothing': { store: (store) => ({ ...store, revoke: async () => {} }) },

  'a revocation that ends the newest session alone': {
    store: (store) => ({
      ...store,
      async revoke(user) {
        const [newest] = await store.list(user)
        if (newest) await store.end(newest.id, user)
      },
    }),
  },

  'data that is not saved': { store: (store) => ({ ...store, update: async () => 'saved' }) },

  'a session that lives for a ms too long': {
    store: (store) => ({
      ...store,
      create: ({ record, ...session }) =>
        store.create({ ...session, record: { ...record, expires: record.expires + 1 } }),
    }),
  },

  'an old credential that is as good as the new one': {
    store: (store) => ({
      ...store,
      async take({ id }) {
        const entry = await store.read(id)
        return entry?.state === 'session' ? entry.record : undefined
      },
      confirm: async () => {},
    }),
  },

  'one session more than a user may have': {
    store: (store) => ({
      ...store,
      create: (session) => store.create({ ...session, max: session.max + 1, maxYoung: session.max + 1 }),
    }),
  },

  'a store that fails, and is taken for an empty one': {
    store: (store) => ({ ...store, read: (id) => store.read(id).catch(() => undefined) }),
  },

  'a carrier that takes one credential for another': {
    carrier(carrier) {
      const inner = carrier as SessionCarrier
      let first: PresentedCredential | undefined
      const mixing: SessionCarrier = {
        ...inner,
        async read(request, wire, appId) {
          const presented = await inner.read(request, wire, appId)
          first ??= presented
          return presented && first
        },
      }
      return mixing
    },
  },

  'a carrier that gives nothing after a rotation': {
    carrier(carrier) {
      const inner = carrier as SessionCarrier
      const begun = new Set<string>()
      const silent: SessionCarrier = {
        ...inner,
        issue(session) {
          const login = `${session.user?.openId} ${session.created}`
          if (begun.has(login)) return { put() {} }
          begun.add(login)
          return inner.issue?.(session) ?? { put() {} }
        },
      }
      return silent
    },
  },
}
