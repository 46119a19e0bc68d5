/** What the inspector's page and its server say to each other. Both import this file: it imports types alone. */
import type { Diagnostics } from 'koa-weapp-session'

/** The users of the two phones. */
export const USERS = ['xiaoming', 'xiaohong'] as const
export type User = (typeof USERS)[number]

/** The names that WeChat knows them by. */
export const NAMES: Record<User, string> = { xiaoming: '小明', xiaohong: '小红' }

/** How sessions travel after their login: by a signed id of the server's own, or by the code of the login. */
export type CarrierName = 'header' | 'code'

/** One thing that happened on the server for a request, in the order in which it happened. */
export type Step =
  /** What the headers claim. */
  | { kind: 'identify'; claim: 'nothing' | 'session' | 'login' }
  | ({ kind: 'store' } & Diagnostics['store'])
  | ({ kind: 'exchange' } & Diagnostics['exchange'])
  | ({ kind: 'login' } & Diagnostics['login'])
  | ({ kind: 'refusal' } & Diagnostics['refusal'])
  | ({ kind: 'breaker' } & Diagnostics['breaker'])
  /** The app's own part: what it asked its drawings for. */
  | {
      kind: 'handler'
      call: 'list' | 'save' | 'remove'
      outcome: 'done' | 'failed'
      ms: number
      count?: number
    }

/** A request of a phone: what it sent, what happened, what it got. */
export interface RequestEntry {
  type: 'request'
  id: number
  /** Unix ms. */
  at: number
  user: User
  method: string
  path: string
  headers: [name: string, value: string][]
  steps: Step[]
  /** Missing while there is none. */
  response?: {
    status: number
    headers: [name: string, value: string][]
    body: string
    ms: number
  }
}

/** What happened beside requests: somebody pressed a button. */
export interface EventEntry {
  type: 'event'
  id: number
  at: number
  user: User
  event:
    | 'expire'
    | 'revoke'
    | 'offline'
    | 'online'
    | 'storeDown'
    | 'storeUp'
    | 'wechatDown'
    | 'wechatUp'
    | 'codeUsed'
    | 'headerCarrier'
    | 'codeCarrier'
  steps: Step[]
  /** What WeChat said, where it was asked by hand. */
  errcode?: number
}

export type Entry = RequestEntry | EventEntry

/** A session as it is stored. */
export interface SessionView {
  /** The beginning of the hash that it stands under. */
  id: string
  record: Record<string, unknown>
}

/** How things stand. */
export interface Situation {
  /** Where sessions live. */
  store: 'memory' | 'redis'
  carrier: CarrierName
  isStoreDown: boolean
  isWechatDown: boolean
  phones: Record<User, { openId: string; isOffline: boolean; sessions: SessionView[] }>
}

/** What the server tells the page. An entry comes again when there is more to say about it. */
export type Message = { entry: Entry } | { situation: Situation }

/** What the page asks the server to do, to the phone of a user. */
export type Experiment =
  | 'expire'
  | 'revoke'
  | 'tamper'
  | 'reuse'
  | 'forge'
  | 'wechat'
  | 'store'
  | 'network'
  | 'carrier'
