import { ControlError } from '../control-error.js'
import { DURATION, millisecondsOf } from '../duration.js'
import type { Route } from '../route.js'

export const CLOCK_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/clock',
    summary: 'What time it is for the simulator: ms since 1970, and how far it is ahead of this machine.',
    handle: ({ world }) => timeOf(world.wechat.clock.now()),
  },
  {
    method: 'POST',
    path: '/clock',
    summary:
      'Time passes: codes, session_keys and tokens expire. `advance` is in ms, or a text such as `5m`, `2h`, `3d`.',
    body: { type: 'object', required: ['advance'], properties: { advance: DURATION } },
    handle({ world, body }) {
      const ms = millisecondsOf(body.advance as string | number)
      if (ms === undefined) throw new ControlError('ERR_BAD_REQUEST', 'advance is longer than a year.')
      world.wechat.clock.advance(ms)
      return timeOf(world.wechat.clock.now())
    },
  },
]

function timeOf(now: number): object {
  return { now, ahead: Math.max(0, Math.round(now - Date.now())) }
}
