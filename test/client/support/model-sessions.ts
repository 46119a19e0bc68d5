import { headerNames, PREFIX, PREFIX_2016 } from '../../../src/protocol.js'

/** How a session travels after login. */
export type CarrierName = (typeof CARRIERS)[number]

export const CARRIERS = ['code', 'header', 'jwt', 'cookie'] as const

/** The sessions of a model server, and what clients know them by. */
export interface ModelSessions {
  /** What names the session in a request, if anything does. */
  credentialIn(header: Record<string, string>): string | undefined
  /** The code of the login whose session a credential was given for; the session may be over. */
  loginOf(credential: string): string | undefined
  /** Whether there is a session that is named so. */
  has(credential: string): boolean
  /** Whether a login has a session. */
  isBegun(code: string): boolean
  /** The header that gives a client its session, which begins unless that login has begun one. */
  begin(code: string): Record<string, string>
  /** The header for an answer to a request with a session: another credential, when it is due. */
  touch(credential: string): Record<string, string>
  /** The next request with a session ends its credential, and its answer brings another. */
  rotateNext(): void
  /** The next request with a session brings another, and both are good. */
  renewNext(): void
  expireAll(): void
  expireOne(nth: number): void
}

/** The credentials of one session that are good, the newest last. */
type Session = string[]

export function createSessions(carrier: CarrierName): ModelSessions {
  const sessions = new Map<string, Session>()
  const logins = new Map<string, string>()
  let made = 0
  let rotations = 0
  let renewals = 0

  return {
    credentialIn: (header) => CREDENTIALS[carrier](lowered(header)),
    loginOf: (credential) => logins.get(credential),
    has: (credential) => sessionOf(credential) !== undefined,
    isBegun: (code) => sessions.has(code),
    begin(code) {
      const session = sessions.get(code) ?? [make(code)]
      sessions.set(code, session)
      return given(session)
    },
    touch(credential) {
      const session = sessionOf(credential)
      if (session === undefined || carrier === 'code') return {}
      // A browser, too, keeps the cookie that comes last: whoever renews one beside its rotation loses it.
      if (renewals > 0 && carrier !== 'cookie') renewals--
      else if (rotations > 0) {
        rotations--
        session.length = 0
      } else return {}
      session.push(make(logins.get(credential) ?? ''))
      return given(session)
    },
    rotateNext() {
      rotations = 1
    },
    renewNext() {
      renewals = 1
    },
    expireAll: () => sessions.clear(),
    expireOne: (nth) => sessions.delete([...sessions.keys()][nth % sessions.size] ?? ''),
  }

  function make(code: string): string {
    made++
    const credential = carrier === 'code' ? code : `made-${made}`
    logins.set(credential, code)
    return credential
  }

  function given(session: Session): Record<string, string> {
    const credential = session.at(-1) ?? ''
    switch (carrier) {
      case 'code':
        return {}
      case 'header':
        return { [OURS.session]: credential }
      case 'jwt':
        return { [OURS.token]: credential }
      case 'cookie':
        return { 'Set-Cookie': `sid=${credential}; Path=/; Domain=example.com; Secure; HttpOnly` }
    }
  }

  function sessionOf(credential: string): Session | undefined {
    return [...sessions.values()].find((session) => session.includes(credential))
  }
}

const OURS = headerNames(PREFIX)
const OF_2016 = headerNames(PREFIX_2016)

const CREDENTIALS: Record<CarrierName, (header: Record<string, string>) => string | undefined> = {
  code: (header) => header[OURS.code.toLowerCase()] ?? header[OF_2016.code.toLowerCase()],
  header: (header) => header[OURS.session.toLowerCase()] ?? header[OF_2016.session.toLowerCase()],
  jwt: ({ authorization }) => authorization?.replace(/^Bearer /, ''),
  cookie: ({ cookie = '' }) => /(?:^|; )sid=([^;]*)/.exec(cookie)?.[1],
}

/** The credential that an answer gives, however it does. */
export function credentialGiven(header: Record<string, string>): string | undefined {
  const { 'set-cookie': cookie = '', ...others } = lowered(header)
  const named = others[OURS.session.toLowerCase()] ?? others[OURS.token.toLowerCase()]
  return named ?? /^sid=([^;]*)/.exec(cookie)?.[1]
}

function lowered(header: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]))
}
