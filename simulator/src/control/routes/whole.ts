import type { Route } from '../route.js'

/** What is about the simulator as a whole. */
export const WHOLE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/app',
    summary: 'The mini program: its AppID and AppSecret.',
    handle: ({ world }) => ({
      appId: world.wechat.appId,
      appSecret: world.wechat.appSecret,
      strict: world.strict,
    }),
  },
  {
    method: 'POST',
    path: '/reset',
    summary:
      'Everything begins anew: no users, codes, tokens, faults and calls, the time of this machine. The app stays.',
    handle({ reset }) {
      reset()
      return { reset: true }
    },
  },
]
