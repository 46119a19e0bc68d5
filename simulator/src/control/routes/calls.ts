import { ControlError } from '../control-error.js'
import type { ControlCall, Route } from '../route.js'

/** Seconds that a request may wait for a call. Proxies and clients end what takes a minute. */
const LONGEST_WAIT = 30

export const CALL_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/calls',
    summary:
      'The calls of WeChat’s API, the latest 500: those after the call of the id `after`, of `path` alone. `wait`: seconds to wait for one.',
    query: {
      after: { type: 'integer', minimum: 0 },
      path: { type: 'string', pattern: '^/' },
      wait: { type: 'number', minimum: 0, maximum: LONGEST_WAIT },
    },
    handle: list,
  },
]

async function list({ world, query, signal }: ControlCall): Promise<object> {
  const { after = 0, path, wait = 0 } = query as { after?: number; path?: string; wait?: number }
  if (!Number.isSafeInteger(after)) throw new ControlError('ERR_BAD_REQUEST', 'after is no id of a call.')
  const calls = await world.calls.wait({ after, path }, wait * 1000, signal)
  return { calls, last: world.calls.last }
}
