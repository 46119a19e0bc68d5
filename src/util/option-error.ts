/**
 * A mistake in the options, said at start-up in one sentence that names the option, and the heading of docs/errors.md that says more.
 *
 * @param heading the option, or the function, where the sentence does not begin with it
 */
export function optionError(what: string, heading: string = what): TypeError {
  const anchor = /^[\w.]*/.exec(heading)?.[0].replaceAll('.', '').toLowerCase()
  return new TypeError(`koa-weapp-session: ${what} (docs/errors.md#${anchor})`)
}

/** A value that is not what it should be: numbers as they are; of anything else, which may be a secret, only what it is. */
export function shown(value: unknown): string {
  if (typeof value === 'number') return String(value)
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}

/** Whether it is a whole number from 1 to `max`. */
export function isWhole(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= max
}

/** Refuses what is neither true nor false: `'false'`, of an environment variable, would be true. */
export function checkBoolean(name: string, value: unknown): void {
  if (typeof value === 'boolean') return
  const hint = typeof value === 'string' ? ', without quotes' : ''
  throw optionError(`${name} must be true or false${hint}: it is ${shown(value)}`)
}

/** Refuses options that are no object, and names that are misspelt. */
export function checkOptions(owner: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw optionError(`${owner} needs an object of options`)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    const near = nearest(name, names)
    const hint = near ? `did you mean '${near}'?` : `it has ${names.join(', ')}`
    throw optionError(`${owner} has no option '${name}': ${hint}`)
  }
}

/** The name that was probably meant: the same but for its case, or for two letters. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const distances = names.map((other) => distance(name.toLowerCase(), other.toLowerCase()))
  const least = Math.min(...distances)
  return least <= Math.min(2, name.length / 3) ? names[distances.indexOf(least)] : undefined
}

/** How many letters have to be put in, left out or changed to make one word of another (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, letter] of [...from].entries()) {
    const above = row
    row = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const changed = (above[j] as number) + (letter === to[j] ? 0 : 1)
      row.push(Math.min(changed, (above[j + 1] as number) + 1, (row[j] as number) + 1))
    }
  }
  return row.at(-1) as number
}
