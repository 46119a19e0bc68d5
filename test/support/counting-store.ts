import type { SessionStore } from '../../src/index.js'

export type StoreMethod = Exclude<keyof SessionStore, 'timeout' | 'close'>

export interface CountingStore extends SessionStore {
  /** How often each method has been called; one that never was is not there. */
  calls(): Partial<Record<StoreMethod, number>>
}

/** A store that counts what it is asked, by method. */
export function countingStore(inner: SessionStore): CountingStore {
  const counts = new Map<StoreMethod, number>()

  function counted<M extends StoreMethod>(method: M): SessionStore[M] {
    const call = inner[method] as (...args: unknown[]) => unknown
    return ((...args: unknown[]) => {
      counts.set(method, (counts.get(method) ?? 0) + 1)
      return call.apply(inner, args)
    }) as SessionStore[M]
  }

  return {
    ...inner,
    read: counted('read'),
    claim: counted('claim'),
    refuse: counted('refuse'),
    create: counted('create'),
    update: counted('update'),
    renew: counted('renew'),
    take: counted('take'),
    confirm: counted('confirm'),
    putBack: counted('putBack'),
    end: counted('end'),
    list: counted('list'),
    revoke: counted('revoke'),
    calls: () => Object.fromEntries(counts),
  }
}
