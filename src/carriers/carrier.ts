import type { IncomingHttpHeaders } from 'node:http'

/** How a session travels after login. */
export interface Carrier {
  /** The session credential of a request, as it was sent; nothing when it carries none. */
  read(headers: IncomingHttpHeaders): string | undefined
}
