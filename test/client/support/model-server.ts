import {
  CODE_LOGIN,
  type HeaderNames,
  headerNames,
  LOGIN_ACCEPTED,
  MAGIC_ID,
  PREFIX,
  PREFIX_2016,
  type Reason,
  STATUS_BY_REASON,
} from '../../../src/protocol.js'
import { type CarrierName, createSessions, type ModelSessions } from './model-sessions.js'

/** What can be wrong with the server, or with what is behind it. */
export type ServerFault = (typeof SERVER_FAULTS)[number]

export const SERVER_FAULTS = [
  /** Logins succeed, but their sessions are gone at once. */
  'sessions vanish',
  /** Every request is refused as expired, logins included. */
  'expired for ever',
  'WeChat busy',
  'WeChat slow',
  'WeChat too often',
  'WeChat blocked',
  'WeChat refuses the code',
  'untrusted',
  'bad request',
  'store unavailable',
  'conflict',
  /** A proxy before the server answers HTML, and the server hears nothing. */
  'bad gateway',
  /** So does a web site, which is well. */
  'a page',
  /** The application fails. By then the server has accepted the login. */
  'handler throws',
  /** Refusals have status 200. */
  'legacy status',
  /** Refusals have no header, as in the server of 2016. */
  'no error header',
] as const

export interface ServerRequest {
  url: string
  method: string
  header: Record<string, string>
}

export interface Answer {
  status: number
  header: Record<string, string>
  body: unknown
  refusal?: Reason
}

/** The server of contract §1, and the WeChat behind it: as small as can be, and without time. */
export interface ModelServer {
  readonly faults: Set<ServerFault>
  readonly sessions: ModelSessions
  /** How often the requests of a URL were carried out: past the session, in the application. */
  readonly carriedOut: ReadonlyMap<string, number>
  /** How many codes were exchanged. */
  readonly exchanges: number
  /** A new code of `wx.login`: from now on user info is signed with its key. */
  newCode(): string
  /** What `wx.getUserInfo` answers. */
  userInfo(): { rawData: string; signature: string }
  answer(request: ServerRequest): Answer
  expireAll(): void
}

/** `isOld`: the server of 2016, which never says that it has accepted a login. */
export function createServer(carrier: CarrierName = 'code', isOld = false): ModelServer {
  const faults = new Set<ServerFault>()
  const codes = new Set<string>()
  const sessions = createSessions(carrier)
  const carriedOut = new Map<string, number>()
  let lastCode = 'none'
  let issued = 0
  let exchanges = 0

  return {
    faults,
    sessions,
    carriedOut,
    get exchanges() {
      return exchanges
    },
    newCode,
    userInfo: () => ({ rawData: '{"nickName":"小明 😀"}', signature: signatureOf(lastCode) }),
    answer,
    expireAll: sessions.expireAll,
  }

  function newCode(): string {
    issued++
    lastCode = `code-${issued}`
    codes.add(lastCode)
    return lastCode
  }

  function answer(request: ServerRequest): Answer {
    if (!isOurs(request.url)) return carryOut(request, {})
    return refuse(request.header) ?? carryOut(request, { ...given(request.header), ...word(request.header) })
  }

  /** What says that a login was accepted. */
  function word(header: Record<string, string>): Record<string, string> {
    return isLogin(header) && !isOld ? { [OURS.login]: LOGIN_ACCEPTED } : {}
  }

  /** The credential that an answer brings: at a login, or when it is due. */
  function given(header: Record<string, string>): Record<string, string> {
    if (!isLogin(header)) return sessions.touch(sessions.credentialIn(header) ?? '')
    const code = ourHeader(header, 'code') ?? ''
    const credential = sessions.begin(code)
    if (faults.has('sessions vanish')) sessions.expireAll()
    return credential
  }

  function carryOut(request: ServerRequest, header: Record<string, string>): Answer {
    carriedOut.set(request.url, (carriedOut.get(request.url) ?? 0) + 1)
    // Found only when the session is saved: by then the application has done its work.
    if (isOurs(request.url) && faults.has('conflict')) {
      const conflict = refusal('ERR_SESSION_CONFLICT')
      return { ...conflict, header: { ...conflict.header, ...header } }
    }
    if (isOurs(request.url) && faults.has('handler throws'))
      return { status: 500, header, body: 'Internal Server Error' }
    // Nothing is at the root, where logins without a request of their own go: its status says nothing of the login.
    if (new URL(request.url).pathname === '/') return { status: 404, header, body: 'Not Found' }
    return { status: 200, header, body: BODIES[request.url.length % BODIES.length] }
  }

  function refuse(header: Record<string, string>): Answer | undefined {
    const code = ourHeader(header, 'code')
    const credential = isLogin(header) ? code : sessions.credentialIn(header)
    if (faults.has('bad gateway')) return { status: 502, header: {}, body: '<html>Bad Gateway</html>' }
    if (faults.has('a page')) return { status: 200, header: {}, body: '<html>Welcome</html>' }
    if (credential === undefined) return refusal('ERR_LOGIN_REQUIRED')
    if (faults.has('bad request')) return refusal('ERR_BAD_REQUEST')
    if (faults.has('store unavailable')) return refusal('ERR_STORE_UNAVAILABLE', { retryAfter: 1 })
    if (faults.has('expired for ever')) return refusal('ERR_SESSION_EXPIRED')
    if (isLogin(header)) return refuseLogin(credential, ourHeader(header, 'signature'))
    if (!sessions.has(credential)) return refusal('ERR_SESSION_EXPIRED')
    return undefined
  }

  function refuseLogin(code: string, signature: string | undefined): Answer | undefined {
    if (!sessions.isBegun(code)) {
      const failure = EXCHANGE_FAILURES.find(({ fault }) => faults.has(fault))
      if (failure !== undefined) return refusal('ERR_SESSION_KEY_EXCHANGE_FAILED', failure)
      // Codes are good once: this one is of nobody, or was exchanged before and its session is over.
      if (!codes.delete(code)) return refusal('ERR_SESSION_KEY_EXCHANGE_FAILED', { errcode: 40163 })
      exchanges++
    }
    const isTrusted = signature === undefined || signature === signatureOf(code)
    if (!isTrusted || faults.has('untrusted')) return refusal('ERR_UNTRUSTED_RAW_DATA')
    return undefined
  }

  function refusal(
    reason: Reason,
    {
      status = STATUS_BY_REASON[reason],
      errcode,
      retryAfter,
    }: { status?: number; errcode?: number; retryAfter?: number } = {},
  ): Answer {
    const detail = errcode !== undefined && { detail: { errcode } }
    return {
      status: faults.has('legacy status') ? 200 : status,
      header: {
        ...(!faults.has('no error header') && { [OURS.error]: reason }),
        ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
      },
      body: { [MAGIC_ID]: 1, reason, error: { name: 'WeappSessionError', message: 'refused', ...detail } },
      refusal: reason,
    }
  }
}

/** Where the session belongs. */
export const BASE_URL = 'https://api.example.com'
export const OTHER_ORIGIN = 'https://files.example.com'

/** Whether the session may go to an address. */
export function isOurs(url: string): boolean {
  return [BASE_URL, OTHER_ORIGIN].includes(new URL(url.replace(/^ws/, 'http')).origin)
}

/** Whether headers ask for a login. */
export function isLogin(header: Record<string, string>): boolean {
  return ourHeader(header, 'rawData') !== undefined || ourHeader(header, 'login') === CODE_LOGIN
}

/** Whether an answer says that a login was accepted. */
export function isAccepted(header: Record<string, string>): boolean {
  return ourHeader(header, 'login') === LOGIN_ACCEPTED
}

/** The value of a header of the protocol, in either family. */
export function ourHeader(header: Record<string, string>, name: keyof HeaderNames): string | undefined {
  return headerOf(header, OURS[name]) ?? headerOf(header, OF_2016[name])
}

const OURS = headerNames(PREFIX)
const OF_2016 = headerNames(PREFIX_2016)

/** The value of a header, whatever the case of its name. */
export function headerOf(header: Record<string, string>, name: string): string | undefined {
  return Object.entries(header).find(([given]) => given.toLowerCase() === name.toLowerCase())?.[1]
}

/** What applications answer. The last one speaks of refusals, and is none. */
const BODIES = [{ ok: true }, [], 'hello', '', null, 7, `"${MAGIC_ID}"`]

const EXCHANGE_FAILURES: { fault: ServerFault; status: number; errcode?: number; retryAfter?: number }[] = [
  { fault: 'WeChat busy', status: 502, errcode: -1 },
  { fault: 'WeChat slow', status: 504 },
  { fault: 'WeChat too often', status: 429, errcode: 45011, retryAfter: 30 },
  { fault: 'WeChat blocked', status: 403, errcode: 40226 },
  { fault: 'WeChat refuses the code', status: 401, errcode: 40029 },
]

function signatureOf(code: string): string {
  return `signed with the key of ${code}`
}
