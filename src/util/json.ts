/**
 * The one way in which something that a client sent becomes a text of ours. What stands in a request is whatever a JSON
 * parser, a form parser or another middleware has made of it: `{ length: 50000000 }`, an object whose `toString` is no
 * function, arrays in arrays, a getter that throws. `Buffer.from()`, `String()` and a regular expression each do
 * something else with those, and all of it is done while nobody else is served. So here: looked at once, a string, no
 * longer than was said; and only then may anybody look at its shape.
 */

/** A field that is there, and is no text, or one that is too long. */
export const NO_TEXT: unique symbol = Symbol('no text, or too long')

/**
 * A field of something that a client sent. Nothing where it is not there, or `null`, which is what many clients send for
 * that.
 *
 * @param max characters
 */
export function fieldOf(source: unknown, name: string, max: number): string | undefined | typeof NO_TEXT {
  return textOf(lookAt(source, name), max)
}

/** The same for a value on its own. */
export function textOf(value: unknown, max: number): string | undefined | typeof NO_TEXT {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' && value.length <= max ? value : NO_TEXT
}

/** Whether it is a text that is not empty, and no longer than so many characters. */
export function isTextUpTo(max: number, value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max
}

function lookAt(source: unknown, name: string): unknown {
  if (typeof source !== 'object' || source === null) return undefined
  try {
    return (source as Record<string, unknown>)[name]
  } catch {
    return NO_TEXT
  }
}

/** What JSON calls an object: no array, no null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Parses JSON that must be an object; `undefined` for everything else. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
