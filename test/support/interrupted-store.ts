import type { SessionStore } from '../../src/index.js'

/** A store that is away at times: every call fails then, and takes no effect. What it knows in memory it still knows. */
export function interrupted(store: SessionStore, isAway: () => boolean): SessionStore {
  const methods = Object.entries(store).map(([name, method]) => {
    if (typeof method !== 'function' || name === 'peek' || name === 'close') return [name, method]
    return [
      name,
      async (...args: unknown[]) => {
        if (isAway()) throw new Error('the store is away')
        return (method as (...args: unknown[]) => unknown)(...args)
      },
    ]
  })
  return Object.fromEntries(methods) as SessionStore
}
