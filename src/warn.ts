/**
 * Tells the operator something: on stderr by default, and `process.on('warning')` receives it. A warning never
 * holds a secret, a code, or anything else that a client sent.
 */
export function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'WeappSessionWarning', code })
}

/** The same, but once per code. */
export function warnOnce(): typeof warn {
  const given = new Set<string>()

  return (code, message) => {
    if (given.has(code)) return
    given.add(code)
    warn(code, message)
  }
}
