import { cookieUntil } from '../key-value/cookie.js'
import type { KeyValuePort } from '../key-value/port.js'
import type { ExpressStore } from './types.js'

type Done<T> = (error?: unknown, result?: T) => void

/** A store of express-session, as promises. */
export function expressPort(store: ExpressStore): KeyValuePort {
  return {
    get: (key) => called((done) => store.get(key, done)),
    set: (key, entry, until) =>
      called((done) => store.set(key, { cookie: cookieUntil(until), ...entry }, done)),
    remove: (key) => called((done) => store.destroy(key, done)),
    on: (event, listener) => void store.on?.(event, listener),
  }
}

/** Only the first callback counts. An error counts whether it is called back, thrown or a rejection. */
function called<T>(start: (done: Done<T>) => unknown): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const returned = start((error, result) => (error ? reject(error) : resolve(result)))
    // Only real promises: calling `then()` of another thenable may run its query once more.
    if (returned instanceof Promise) returned.catch(reject)
  })
}
