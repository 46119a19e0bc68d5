import test from 'ava'
import { readRefusal } from '../../client/src/refusal.js'
import { type NextStep, nextStep, type RefusedCall } from '../../client/src/retry.js'
import { headerNames, PREFIX, type Reason } from '../../src/protocol.js'

interface Refused extends Partial<Omit<RefusedCall, 'refusal'>> {
  reason: Reason
  statusCode?: number
  /** Seconds. */
  retryAfter?: number
}

const ALL: Reason[] = [
  'ERR_SESSION_EXPIRED',
  'ERR_LOGIN_REQUIRED',
  'ERR_UNTRUSTED_RAW_DATA',
  'ERR_SESSION_KEY_EXCHANGE_FAILED',
  'ERR_BAD_REQUEST',
  'ERR_SESSION_CONFLICT',
  'ERR_STORE_UNAVAILABLE',
]

/** The next step of a call whose first attempt carried the session, and may not be repeated; unless it says otherwise. */
function stepAfter({ reason, statusCode = 401, retryAfter = 0, ...call }: Refused): NextStep {
  const header = { [headerNames(PREFIX).error]: reason, 'Retry-After': String(retryAfter) }
  const refusal = readRefusal({ statusCode, header })
  if (!refusal) throw new Error('no refusal')
  return nextStep({ refusal, attempts: 1, isSafe: false, isLogin: false, isSessionOver: false, ...call })
}

test('nextStep: a refusal of the session before a handler ran asks for a login, whatever the method', (t) => {
  for (const reason of ALL) {
    const wantsLogin = /EXPIRED|REQUIRED|EXCHANGE/.test(reason)
    t.deepEqual(stepAfter({ reason }), { kind: wantsLogin ? 'logIn' : 'fail' }, reason)
  }
})

test('nextStep: a conflict and an unavailable store are retried where that is safe', (t) => {
  for (const reason of ['ERR_SESSION_CONFLICT', 'ERR_STORE_UNAVAILABLE'] as const) {
    t.deepEqual(stepAfter({ reason, isSafe: true }), { kind: 'retry', delay: 200 })
    t.deepEqual(stepAfter({ reason, isSafe: true, attempts: 3 }), { kind: 'retry', delay: 600 })
    t.deepEqual(stepAfter({ reason, isSafe: true, retryAfter: 2 }), { kind: 'retry', delay: 2000 })
    t.deepEqual(stepAfter({ reason, isSafe: false }), { kind: 'fail' })
  }
})

test('nextStep: a call that found its session over is repeated with a new login, where that is safe', (t) => {
  const reason = 'ERR_SESSION_CONFLICT'

  t.deepEqual(stepAfter({ reason, isSafe: true, isSessionOver: true }), { kind: 'logIn' })
  t.deepEqual(stepAfter({ reason, isSafe: false, isSessionOver: true }), { kind: 'fail' })
})

test('nextStep: a login that failed is repeated with another login; after a conflict it was good', (t) => {
  const isLogin = true

  t.deepEqual(stepAfter({ reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED', isLogin }), { kind: 'logIn' })
  t.deepEqual(stepAfter({ reason: 'ERR_STORE_UNAVAILABLE', isLogin, isSafe: true }), { kind: 'logIn' })
  t.deepEqual(stepAfter({ reason: 'ERR_STORE_UNAVAILABLE', isLogin }), { kind: 'fail' })
  t.deepEqual(stepAfter({ reason: 'ERR_SESSION_CONFLICT', isLogin, isSafe: true }), {
    kind: 'retry',
    delay: 200,
  })
})

test('nextStep: a login that is forbidden, or came too often, fails', (t) => {
  for (const statusCode of [403, 429]) {
    const reason = 'ERR_SESSION_KEY_EXCHANGE_FAILED'
    t.deepEqual(stepAfter({ reason, statusCode, isLogin: true }), { kind: 'fail' }, `${statusCode}`)
  }
})

test('nextStep: the fourth attempt is the last', (t) => {
  for (const reason of ALL) {
    t.deepEqual(stepAfter({ reason, isSafe: true, attempts: 4 }), { kind: 'fail' }, reason)
  }
})
