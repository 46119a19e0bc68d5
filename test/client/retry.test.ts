import test from 'ava'
import { wxFailure } from '../../client/src/errors.js'
import { readRefusal } from '../../client/src/refusal.js'
import { type FailedCall, type NextStep, nextStep } from '../../client/src/retry.js'
import { headerNames, PREFIX, type Reason } from '../../src/protocol.js'

interface Refused extends Partial<Omit<FailedCall, 'failure'>> {
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
  return nextStep({
    failure: refusal,
    attempts: 1,
    isSafe: false,
    word: '',
    ...call,
  })
}

test('nextStep: a refusal of the session before a handler ran asks for a login, whatever the method', (t) => {
  for (const reason of ALL) {
    const wantsLogin = /EXPIRED|REQUIRED|EXCHANGE/.test(reason)
    t.deepEqual(stepAfter({ reason }), wantsLogin ? 'logIn' : 'fail', reason)
  }
})

test('nextStep: a conflict and an unavailable store are retried where that is safe', (t) => {
  for (const reason of ['ERR_SESSION_CONFLICT', 'ERR_STORE_UNAVAILABLE'] as const) {
    t.deepEqual(stepAfter({ reason, isSafe: true }), 200)
    t.deepEqual(stepAfter({ reason, isSafe: true, attempts: 3 }), 600)
    t.deepEqual(stepAfter({ reason, isSafe: true, retryAfter: 2 }), 2000)
    t.deepEqual(stepAfter({ reason, isSafe: false }), 'fail')
  }
})

test('nextStep: a call that found its session over is repeated with a new login, where that is safe', (t) => {
  const reason = 'ERR_SESSION_CONFLICT'

  t.deepEqual(stepAfter({ reason, isSafe: true, word: 'required' }), 'logIn')
  t.deepEqual(stepAfter({ reason, isSafe: false, word: 'required' }), 'fail')
})

test('nextStep: a login that failed is repeated with another login; after a conflict it was good', (t) => {
  const login = { data: { code: 'c' } }

  t.deepEqual(stepAfter({ reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED', login }), 'logIn')
  t.deepEqual(stepAfter({ reason: 'ERR_STORE_UNAVAILABLE', login, isSafe: true, retryAfter: 2 }), 2000)
  t.deepEqual(stepAfter({ reason: 'ERR_STORE_UNAVAILABLE', login }), 'fail')
  t.deepEqual(stepAfter({ reason: 'ERR_SESSION_CONFLICT', login, isSafe: true }), 200)
})

test('nextStep: a login whose profile was refused is repeated, as the next goes without one; that one is not', (t) => {
  const reason = 'ERR_UNTRUSTED_RAW_DATA'
  const login = { data: { code: 'c', rawData: '{}', signature: 's' } }

  for (const statusCode of [400, 401]) t.is(stepAfter({ reason, statusCode, login }), 'logIn')
  t.is(stepAfter({ reason, login: { data: { code: 'c' } } }), 'fail')
  t.is(stepAfter({ reason, login, attempts: 4 }), 'fail')
})

test('nextStep: a login that is forbidden, or came too often, fails', (t) => {
  for (const statusCode of [403, 429]) {
    const reason = 'ERR_SESSION_KEY_EXCHANGE_FAILED'
    t.deepEqual(stepAfter({ reason, statusCode, login: { data: { code: 'c' } } }), 'fail', `${statusCode}`)
  }
})

test('nextStep: the fourth attempt is the last', (t) => {
  for (const reason of ALL) {
    t.deepEqual(stepAfter({ reason, isSafe: true, attempts: 4 }), 'fail', reason)
  }
})

test('nextStep: what wx said is final, except where WeChat’s gateway is busy: that is asked again where it is safe', (t) => {
  for (const [error, isBusy, retryable] of [
    [{ errMsg: 'request:fail', errno: 600001 }, false, true],
    [{ errCode: 102003 }, true, true],
    [{ errCode: 102020 }, true, true],
    [{ errCode: 102021 }, true, true],
    [{ errCode: '102021' }, true, true],
    [{ errCode: 102002 }, false, true],
    [{ errCode: 1020030 }, false, true],
    [{ errCode: 102006 }, false, false],
    [{ errCode: 102016 }, false, false],
    [{ errCode: 102022 }, false, false],
    [{ errCode: 104100 }, false, true],
    [{ errCode: -601001 }, false, true],
    [{ errCode: -601008 }, false, true],
    [{ errCode: -601069 }, false, true],
    [undefined, false, true],
  ] as const) {
    const failure = wxFailure('ERR_NETWORK', error)
    const call = { failure, attempts: 1, isSafe: true, word: '' }

    t.is(failure.retryable, retryable)
    t.is(nextStep(call), isBusy ? 1000 : 'fail', JSON.stringify(error))
    t.is(nextStep({ ...call, login: { data: { code: 'c' } } }), isBusy ? 1000 : 'fail')
    t.is(nextStep({ ...call, isSafe: false }), 'fail')
    t.is(nextStep({ ...call, attempts: 4 }), 'fail')
  }
})

test('ERR_UNTRUSTED_RAW_DATA: where the login was accepted, a handler has refused, and nothing is sent again', (t) => {
  const login = { data: { code: 'c', rawData: '{}' } } as never
  const reason = 'ERR_UNTRUSTED_RAW_DATA' as const
  t.is(stepAfter({ reason, login, isSafe: true }), 'logIn')
  t.is(stepAfter({ reason, login, isSafe: true, word: 'accepted' }), 'fail')
})
