import type { Route } from '../route.js'

export const TOKEN_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/tokens',
    summary: 'The access_tokens that are good now, with when they end.',
    handle({ world }) {
      const now = world.wechat.clock.now()
      const good = world.tokens.saved().filter(({ expiresAt }) => expiresAt > now)
      return { tokens: good.map(({ token, kind, expiresAt }) => ({ accessToken: token, kind, expiresAt })) }
    },
  },
  {
    method: 'DELETE',
    path: '/tokens',
    summary: 'No access_token that was issued is good any more: calls with one get 40001.',
    handle({ world }) {
      world.tokens.revokeAll()
      return { tokens: [] }
    },
  },
]
