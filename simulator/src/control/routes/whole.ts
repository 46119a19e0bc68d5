import type { Route } from '../route.js'

/** What is about the simulator as a whole. */
export const WHOLE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/app',
    summary: 'The mini program: its AppID and AppSecret, and the paths of WeChat’s API that are simulated.',
    handle: ({ world }) => ({
      appId: world.wechat.appId,
      appSecret: world.wechat.appSecret,
      strict: world.strict,
      paths: world.wechat.endpoints.map(({ path }) => path),
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
