/** Node's codes: of a certificate that is refused, of TLS where none is spoken, of a package that is not installed. */
const CODES = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What is said of a server that answers without TLS alone. */
export const NO_TLS = 'it speaks no TLS: the scheme is redis://, not rediss://'

/** Redis tells its errors apart by their first word, and some by their text alone. */
const MESSAGES: RegExp[] = [
  /^(WRONGPASS|NOAUTH|NOPERM|MOVED|CROSSSLOT)\b/,
  /invalid password/i,
  /without any password|no password is set/i,
  /DB index is out of range/i,
  /SELECT is not allowed in cluster mode/i,
  /unknown command/i,
]

/**
 * Whether an error stays until somebody changes a setting, here or in Redis. All others may pass: a Redis that starts
 * (ECONNREFUSED, LOADING), a name that is not there yet (ENOTFOUND, in Kubernetes), silence, a failover.
 */
export function isLasting(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && CODES.has(code)) return true
  if (error.message === NO_TLS || MESSAGES.some((pattern) => pattern.test(error.message))) return true
  // Of all addresses of a name, each has failed for its own reason.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isLasting)
  return error.cause !== undefined && isLasting(error.cause)
}
