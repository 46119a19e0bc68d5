import { WeappSessionError } from '../errors.js'

/** The data of a session as this package handles it: it knows no name in it. */
export type Data = Record<string, unknown>

/** Levels of arrays and objects. JSON has no limit, but what reads it has: V8's parser, and Redis's. */
const DEPTH_MAX = 500

/** Objects that JSON prints as `{}`, so that what is in them would be lost without a word. */
const LOST = [Map, Set, WeakMap, WeakSet, Promise, RegExp, ArrayBuffer, Error]

/** The text that `data` is kept as. @throws {TypeError} that names what is no JSON, by its path */
export function printData(data: Data): string {
  check(data, 'session.data', [])
  const text = JSON.stringify(data)
  if (text?.startsWith('{')) return text
  throw notKept('session.data', 'no object, once its toJSON() was called')
}

export function parseData(text: string): Data {
  return JSON.parse(text) as Data
}

/**
 * What a session's data is after the changes of one request, where others may have saved theirs meanwhile: key by key.
 *
 *     base      what the request read       { a: 1, b: 1 }
 *     after     what it made of that        { a: 2, b: 1 }
 *     current   what is stored by now       { a: 1, b: 3, c: 1 }   →   { a: 2, b: 3, c: 1 }
 *
 * A key that nobody else has changed takes this request's change, and a key that it has not changed stays as it is stored.
 *
 * @throws {WeappSessionError} ERR_SESSION_CONFLICT when both have changed one key, and not to the same value
 */
export function mergeData(base: Data, after: Data, current: Data): Data {
  const merged = { ...current }
  for (const key of new Set([...Object.keys(base), ...Object.keys(after)])) {
    const [was, is, stored] = [base, after, current].map((data) => printed(data, key))
    if (is === was || is === stored) continue
    if (stored !== was) throw conflictOn(key)
    if (is === undefined) delete merged[key]
    else setOwn(merged, key, after[key])
  }
  return merged
}

/**
 * Makes data what other data is. Handlers hold the object, and what is in it, so that stays where it is the same. The order of
 * the keys is that of the other data: whether something has changed is asked of the text.
 */
export function become(data: Data, other: Data): void {
  for (const key of Object.keys(data)) if (!Object.hasOwn(other, key)) delete data[key]
  for (const key of Object.keys(other)) {
    const value = printed(data, key) === printed(other, key) ? data[key] : other[key]
    delete data[key]
    setOwn(data, key, value)
  }
}

/** As its own property, whatever it is called: `__proto__` too. */
function setOwn(data: Data, key: string, value: unknown): void {
  Object.defineProperty(data, key, { value, writable: true, enumerable: true, configurable: true })
}

function printed(data: Data, key: string): string | undefined {
  return Object.hasOwn(data, key) ? JSON.stringify(data[key]) : undefined
}

function conflictOn(key: string): WeappSessionError {
  // A key is the application's, and short; what a client made one of is cut.
  const name = JSON.stringify(key.slice(0, 64))
  return new WeappSessionError('ERR_SESSION_CONFLICT', {
    message: `A parallel request has changed ${name} of this session's data too: repeat this request only if that is safe.`,
  })
}

/** Goes through a value as JSON.stringify() does, and stops at what that would drop, change, or fail at. */
function check(value: unknown, path: string, parents: object[]): void {
  if (typeof value === 'bigint') throw notKept(path, 'a BigInt')
  if (typeof value === 'function') throw notKept(path, 'a function')
  if (typeof value === 'symbol') throw notKept(path, 'a symbol')
  if (typeof value === 'number' && !Number.isFinite(value)) throw notKept(path, String(value))
  if (typeof value !== 'object' || value === null) return
  if (parents.includes(value)) throw notKept(path, 'an object that contains itself')
  if (parents.length >= DEPTH_MAX) throw notKept(shortened(path), `more than ${DEPTH_MAX} levels deep`)
  const { toJSON } = value as { toJSON?: unknown }
  // A Date, say: it is kept as its text.
  if (typeof toJSON === 'function') {
    checkPrinted(value, path, parents)
    return
  }
  if (ArrayBuffer.isView(value) || LOST.some((kind) => value instanceof kind))
    throw notKept(path, `a ${value.constructor.name}`)

  parents.push(value)
  const isList = Array.isArray(value)
  for (const [key, item] of Object.entries(value))
    check(item, path + (isList ? `[${key}]` : accessOf(key)), parents)
  parents.pop()
}

function checkPrinted(value: object, path: string, parents: object[]): void {
  const result = (value as { toJSON(): unknown }).toJSON()
  if (result === undefined) throw notKept(path, 'an object whose toJSON() gives undefined')
  if (result !== value) check(result, path, parents)
}

function accessOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}

/** The beginning says where it is; thousands of brackets do not. */
function shortened(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}…` : path
}

function notKept(path: string, what: string): TypeError {
  return new TypeError(`koa-weapp-session: ${path} is ${what}, and cannot be kept: put JSON into it`)
}
