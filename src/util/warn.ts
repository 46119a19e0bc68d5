/** Tells the operator something: what it is (a stable code), and a sentence with what to do. */
type Warn = (code: string, message: string) => void

/**
 * On stderr by default; `process.on('warning')` receives it too. A warning never holds a secret, a code, or
 * anything else that a client sent.
 */
export const warn: Warn = (code, message) => {
  process.emitWarning(message, {
    type: 'WeappSessionWarning',
    code,
    detail: `docs/errors.md#${anchorOf(code)}`,
  })
}

/** The heading of docs/errors.md that says more: an errcode has one, whatever WeChat was called for. */
function anchorOf(code: string): string {
  return code
    .replace(/^WEAPP_API_(?=ERR_)/, '')
    .replace('WEAPP_API_', 'WEAPP_')
    .toLowerCase()
}

/** Warnings about what goes wrong with many requests. */
export interface Warnings {
  /** For mistakes that stay until somebody mends them: each code once. */
  once: Warn
  /** For outages, which come and go: each code at most once a minute. */
  rarely: Warn
}

const A_MINUTE = 60_000

export function warnings(): Warnings {
  return { once: limited(Number.POSITIVE_INFINITY), rarely: limited(A_MINUTE) }
}

function limited(interval: number): Warn {
  const given = new Map<string, number>()

  return (code, message) => {
    const last = given.get(code) ?? Number.NEGATIVE_INFINITY
    if (performance.now() - last < interval) return
    given.set(code, performance.now())
    warn(code, message)
  }
}
