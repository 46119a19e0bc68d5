/** What the inspector's server and its page say to each other. Both import this file: it imports types alone. */
import type { Diagnostics } from '../diagnostics.js'

/** Something that happened for a request. `at`: ms since it came in; `ms`: how long it took. */
export type Step = { at: number; ms: number } & Happening

export type Happening =
  | ({ kind: 'identify' } & Diagnostics['identify'])
  | ({ kind: 'store' } & Diagnostics['store'])
  | ({ kind: 'exchange' } & Diagnostics['exchange'])
  | ({ kind: 'login' } & Diagnostics['login'])
  | ({ kind: 'refusal' } & Diagnostics['refusal'])
  | ({ kind: 'cache' } & Diagnostics['cache'])
  | ({ kind: 'breaker' } & Diagnostics['breaker'])
  | ({ kind: 'revoke' } & Diagnostics['revoke'])
  /** The app's own handlers, from the first to the last. */
  | { kind: 'handlers' }
  /** What `note()` was told. */
  | { kind: 'note'; text: string }

/** A header as the page shows it: secrets are cut. */
export interface HeaderView {
  name: string
  value: string
  /** What it is to this package; absent where it means nothing to it. */
  meaning?: HeaderMeaning
  /** What is in it. */
  parts?: [name: string, value: string][]
}

export type HeaderMeaning =
  | 'code'
  | 'rawData'
  | 'signature'
  | 'encryptedData'
  | 'iv'
  | 'login'
  | 'session'
  | 'token'
  | 'bearer'
  | 'cookie'
  | 'appId'
  | 'error'
  | 'referer'
  | 'platform'
  | 'retryAfter'

/** As much of a body as is shown. */
export interface BodyView {
  text: string
  /** Bytes, of the whole. */
  size: number
  isCut: boolean
  /** Why there is no text. */
  hidden?: 'binary' | 'encoded' | 'not seen'
}

/** rawData that a login has brought, beside what WeChat has signed. */
export interface SignatureView {
  isGood: boolean
  /** SHA-1 in hex, cut. */
  given: string
  expected: string
  /**
   * What differs, and from what: `signed`, the text that this very signature is of; `last`, what WeChat signed last for this
   * user; `stored`, the profile in the user's session.
   */
  against?: 'signed' | 'last' | 'stored'
  differences?: [field: string, there: string, here: string][]
}

/** Who a request is of. */
export interface IdentityView {
  appId: string
  openId?: string
  nickName?: string
  /** Unix ms. */
  created?: number
  expires?: number
}

/** How a repetition differs from its original. */
export type Change = 'none' | 'credential' | 'rawData'

/** A request: what came, what happened, what went. */
export interface RequestEntry {
  type: 'request'
  id: number
  /** Unix ms. */
  at: number
  method: string
  /** With its query. */
  path: string
  http: string
  from: string
  headers: HeaderView[]
  body?: BodyView
  steps: Step[]
  identity?: IdentityView
  signature?: SignatureView
  /** Whether `weappSession()` has seen it. */
  isSeen: boolean
  /** What was out of order on purpose when it came. */
  faults: Situation['faults']
  replayOf?: { id: number; change: Change }
  /** Missing while there is none. */
  response?: {
    status: number
    headers: HeaderView[]
    body?: BodyView
    ms: number
    /** The client was gone before its end. */
    isAborted: boolean
  }
  /** Whether it can be sent again: its body is whole, and the server listens on a port. */
  canReplay: boolean
}

/** What happened beside requests. */
export type EventEntry = { type: 'event'; id: number; at: number } & (
  | { event: 'revoke' | 'end'; openId: string }
  | { event: 'faults'; faults: Situation['faults'] }
  | { event: 'note'; text: string }
)

export type Entry = RequestEntry | EventEntry

/** What goes wrong on purpose. */
export type FaultName = 'none' | 'fails' | 'slow'

/** How things stand. */
export interface Situation {
  faults: { store: FaultName; wechat: FaultName }
  /** Every `weappSession()` that a request has come through. */
  apps: { appIds: string[]; carrier: string }[]
}

export interface UserView {
  openId: string
  nickName: string
  /** Unix ms. */
  seen: number
  /** `undefined`: the store does not say. */
  sessions?: SessionView[]
}

export interface SessionView {
  alias: string
  appId: string
  /** Absent where there are several that share the store. */
  carrier?: string
  /** Unix ms. */
  created: number
  expires: number
  rev: number
  /** JSON. */
  data: string
  /** The beginning of the sealed session_key. */
  key: string
}

/** What the server tells the page, as server-sent events. An entry comes again when there is more to say about it. */
export type Message =
  /** The first: a new `run` means that the server was started anew. */
  { run: string; situation: Situation } | { entry: Entry } | { situation: Situation } | { cleared: true }
