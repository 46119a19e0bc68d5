import { optionError } from '../../util/option-error.js'

/** A kind of store that is wanted. */
interface Wanted {
  /** The function that takes it. */
  owner: 'fromExpressStore' | 'fromKoaStore'
  /** Whose stores it takes. */
  of: string
  example: string
}

export const EXPRESS: Wanted = {
  owner: 'fromExpressStore',
  of: 'express-session',
  example: 'new RedisStore({ client })',
}

export const KOA: Wanted = { owner: 'fromKoaStore', of: 'koa-session', example: 'redisStore()' }

type Method = (...values: unknown[]) => unknown
type Methods = Record<'get' | 'set' | 'destroy', Method>

/**
 * Refuses what is no store of the wanted kind, by its name, and says what to do.
 *
 * @throws {TypeError}
 */
export function checkShape(store: unknown, wanted: Wanted): void {
  const { owner, of, example } = wanted
  const refuse = (why: string) => optionError(`${owner}() needs a store of ${of}${why}`)
  if (typeof store === 'function') throw refuse(`: ${sayFunction(store)}`)
  if (typeof store !== 'object' || store === null)
    throw refuse(`, with get, set and destroy: ${example}, say`)

  const name = nameOf(store)
  if (isRedisClient(store)) throw refuse(`: ${name} is a client of Redis, which redisStore({ client }) takes`)
  const missing = (['get', 'set', 'destroy'] as const).filter((method) => !isMethodOf(store, method))
  if (missing.length > 0)
    throw refuse(`, with get, set and destroy: ${name} has no ${missing.join(' and no ')}. ${example}, say`)

  const methods = store as Methods
  if (wanted === EXPRESS && isKoas(methods))
    throw refuse(`: ${name} takes no callback, like those of koa-session. Give it to fromKoaStore()`)
  if (wanted === KOA && isMadeForExpress(store))
    throw refuse(`: ${name} calls back, like those of express-session. Give it to fromExpressStore()`)
  if (wanted === KOA && isGenerator(methods.get))
    throw refuse(`: ${name} has generators, which koa-session has left in 2017. Take a newer version of it`)
}

function sayFunction(store: object): string {
  const name = nameOf(store)
  const { prototype } = store as { prototype?: unknown }
  const isStore = typeof prototype === 'object' && prototype !== null && isMethodOf(prototype, 'get')
  if (isStore) return `${name} is its class. new ${name}(…)`
  return `${name} is a function. If it makes a class out of express-session, then new (${name}(session))(…); if it makes a store, ${name}(…)`
}

/** What it was made by; of a class or a function, its own name. */
function nameOf(store: object): string {
  const named = typeof store === 'function' ? store : store.constructor
  const { name } = (named ?? {}) as { name?: unknown }
  return typeof name === 'string' && /^[\w$]{1,60}$/.test(name) ? name : 'this'
}

function isMethodOf(store: object, name: string): boolean {
  return typeof (store as Record<string, unknown>)[name] === 'function'
}

/** node-redis has get, set and destroy too; the last closes the connection. */
function isRedisClient(store: object): boolean {
  return ['sendCommand', 'executeCommand'].some((name) => isMethodOf(store, name))
}

/** express-session gives its stores this, and looks at no other sign. */
function isMadeForExpress(store: object): boolean {
  return isMethodOf(store, 'createSession')
}

/** By what its methods take, which is no callback: `get(key, maxAge?, options?)` and `destroy(key)`. */
function isKoas(store: Methods): boolean {
  if (isMadeForExpress(store) || store.destroy.length > 1) return false
  return store.get.length !== 2 || isAsync(store.get)
}

function isAsync(method: Method): boolean {
  return Object.prototype.toString.call(method) === '[object AsyncFunction]'
}

function isGenerator(method: Method): boolean {
  return Object.prototype.toString.call(method) === '[object GeneratorFunction]'
}
