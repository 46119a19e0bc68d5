/** Tells the operator something, once per code. */
export type Warn = (code: string, message: string) => void

/**
 * Warnings go through `process.emitWarning`: on stderr by default, and `process.on('warning')` receives them.
 * They never hold a secret, a code or anything that a client sent.
 */
export function warnings(): Warn {
  const given = new Set<string>()

  return function warn(code, message) {
    if (given.has(code)) return
    given.add(code)
    process.emitWarning(message, { type: 'WeappSessionWarning', code })
  }
}
