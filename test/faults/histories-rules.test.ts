import test from 'ava'
import { historyOf } from '../support/histories/examples.js'
import { violationsOf } from '../support/histories/rules.js'

/** ms: as in histories.test.ts. */
const LEASE = 1500

/** What the rules have to say of small histories, of users who may have one session for a second. */
const EXAMPLES: Record<string, string[]> = {
  'nothing of a life as it should be': [
    '0–10 login c1 → 200',
    '20–30 write c1 w1 → 200 w1',
    '20–30 write c1 w2 → 409',
    '40–50 read c1 → 200 w1',
    '40–60 logout c1 → 200 w1',
    '55–65 read c1 → 401',
    '70–80 login c2 → 200',
    '85–95 revoke → 503',
    '90–95 read c2 → 401',
    '100–110 login c3 → 200',
    '120–130 login c4 → 200',
    '140–150 read c3 → 401',
    '1300–1310 read c4 → 401',
  ],
  'a session is good again after its end': [
    '0–10 login c1 → 200',
    '20–30 logout c1 → 200',
    '31–40 read c1 → 200',
  ],
  'a session is good again after its end: that of a login under way': [
    '0–90 login c1 → 200',
    '50–60 revoke → 200',
    '91–99 read c1 → 200',
  ],
  'a session is good again after its end: whatever was the reason': [
    '0–10 login c1 → 200',
    '20–30 logout c1 → 503',
    '31–40 read c1 → 401',
    '41–50 read c1 → 200',
  ],
  'a write is lost': ['0–10 login c1 → 200', '20–30 write c1 w1 → 200 w1', '31–40 read c1 → 200'],
  'a refused write is there': ['0–10 login c1 → 200', '20–30 write c1 w1 → 409', '31–40 read c1 → 200 w1'],
  'w1 comes from nowhere': ['0–10 login c1 → 200', '31–40 read c1 → 200 w1'],
  'two answers contradict each other': [
    '0–10 login c1 → 200',
    '20–30 write c1 w1 → 200 w1',
    '20–30 write c1 w2 → 200 w2',
  ],
  'a session is lost': ['0–10 login c1 → 200', '31–40 read c1 → 401'],
  'a session is lost, and an older one lives': [
    '0–10 login c1 → 200',
    '20–30 login c2 → 200',
    '40–50 read c2 → 401',
  ],
  'a login is refused': ['0–10 login c1 → 401'],
  'a session is good after its expiry': ['0–10 login c1 → 200', '1200–1210 read c1 → 200'],
  'an impossible answer': ['0–10 login c1 → 500'],
  'nothing of rotations as they should be': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '21–32 rotate c1 → 409',
    '25–45 write c1 w1 → 409',
    '40–50 read c1 → 401',
    '40–50 write c1.2 w2 → 200 w2',
    '60–70 rotate c1.2 → 409',
    '80–90 read c1.2 → 200 w2',
    '100–110 rotate c1.2 → dead',
    '120–130 read c1.2 → 401',
  ],
  'a rotation changes nothing': ['0–10 login c1 → 200', '20–30 rotate c1 → 200'],
  'a credential is good after its rotation': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '40–50 write c1 w1 → 409',
  ],
  'a credential is taken twice': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 rotate c1 → 200 gives c1.3',
  ],
  'a session is good again after its end: a rotation outlives a logout': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 logout c1 → 200',
    '40–50 read c1.2 → 200',
  ],
  'a write is lost: a rotation leaves it behind': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 200 gives c1.2',
    '20–30 write c1 w1 → 200 w1',
    '40–50 read c1.2 → 200',
  ],
  'a session is lost: by a rotation that was refused': [
    '0–10 login c1 → 200',
    '20–30 rotate c1 → 503',
    '40–50 read c1 → 401',
  ],
  'nothing of guests as they should be': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '20–30 write g1 w2 → 200 w1,w2',
    '40–50 login c1 after g1 → 200 w1,w2 new',
    '45–55 write g1 w3 → 409',
    '60–70 read g1 → 401',
    '60–70 write c1 w4 → 200 w1,w2,w4',
    '80–90 write new g2 w5 → 200 w5 gives g2 new',
    '100–110 logout g2 → 200 w5',
    '120–130 login c2 after g2 → 200 new',
    '140–150 write new g3 w6 → dead',
  ],
  'nothing of a guest’s logout that meets their login': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–60 login c1 after g1 → 200 w1 new',
    '50–70 logout g1 → 200 w1',
    '80–90 read c1 → 401',
  ],
  'a session is lost: of a user whose guest logged out too late': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–60 login c1 after g1 → 200 w1 new',
    '65–70 logout g1 → 401',
    '80–90 read c1 → 401',
  ],
  'a guest is good after their login': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '60–70 read g1 → 200 w1',
  ],
  'the data of a guest is in two sessions': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '41–50 login c2 after g1 → 200 w1 new',
  ],
  'the data of a guest is lost': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 new',
  ],
  'a write is lost: of a guest who logs in meanwhile': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 200 w1 new',
    '40–50 write g1 w2 → 200 w1,w2',
    '60–70 read c1 → 200 w1',
  ],
  'w1 comes from nowhere: of a guest who did not log in': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 → 200 w1 new',
  ],
  'a session is lost: of a guest whose login was refused': [
    '0–10 write new g1 w1 → 200 w1 gives g1 new',
    '40–50 login c1 after g1 → 502',
    '60–70 read g1 → 401',
  ],
  'a code that was told to be spent has a session': [
    '0–3000 login c1 → 200',
    '20–1600 login c1 → 401 ERR_SESSION_KEY_EXCHANGE_FAILED',
  ],
  'no answer from a server that lives': ['0–10 login c1'],
  'a request does not end': ['0–20000 login c1'],
}

for (const [title, lines] of Object.entries(EXAMPLES)) {
  test(`the rules see ${title}`, (t) => {
    const expected = title.startsWith('nothing') ? [] : [title.split(/[:,]/)[0]]
    const history = historyOf(lines)
    const openIds = new Map([['alice', 'o-alice']])
    const settings = { openIds, maxSessionsPerUser: 1, ttl: 1000, lease: LEASE }
    const found = violationsOf(history, settings)
    t.deepEqual(
      found.map(({ text }) => text.split('\n')[0]),
      expected,
    )
  })
}

test('the rules see an answer for somebody else, a code that is sent twice, a session too many', (t) => {
  const history = historyOf(['0–10 login c1 → 200', '20–30 read c1 → 200'], 'o-bob')
  history.exchanges.push({ code: 'c1', at: 7 })
  history.censuses.push({ at: 50, user: 'alice', live: ['c1', 'c2'], isAfterLogin: true })

  const openIds = new Map([['alice', 'o-alice']])
  const found = violationsOf(history, { openIds, maxSessionsPerUser: 1, ttl: 1000, lease: LEASE })

  t.deepEqual(
    found.map(({ text }) => text.split('\n')[0]),
    [
      'an answer for somebody else',
      'an answer for somebody else',
      'WeChat is sent c1 2 times',
      '2 sessions: c1 c2',
    ],
  )
})
