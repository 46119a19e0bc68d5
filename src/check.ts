/** A mistake in the options, said at start-up in one sentence that names the option. */
export function mistake(what: string): TypeError {
  return new TypeError(`koa-weapp-session: ${what}`)
}

/** Refuses options that are no object, and names that are misspelt. */
export function checkOptions(owner: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw mistake(`${owner} needs an object of options`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw mistake(`${owner} has no option '${name}': it has ${names.join(', ')}`)
  }
}
