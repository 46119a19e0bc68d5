import { type Channel, channel } from 'node:diagnostics_channel'
import type { Reason } from './protocol.js'

/**
 * What is published on the channels of `node:diagnostics_channel`, by the name after `koa-weapp-session:`. At once,
 * and in the async context of the request, so that an AsyncLocalStorage says whose it is. What nobody listens to
 * costs nothing.
 *
 * `user` and `session` are keyed hashes, the same in every process that has the appSecret: good for telling one from
 * another, and for nothing else. No message has an id, a code, a key or anything else that a client sent.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * subscribe('koa-weapp-session:refusal', (message) => count((message as Diagnostics['refusal']).reason))
 */
export interface Diagnostics {
  /** It is known whose request it is, and the handlers are next. A request that is refused is not told of here. */
  identify: {
    /** How: by a login, the credential of a session, the platform's word (`cloudRun()`), or not at all. */
    by: 'login' | 'session' | 'platform' | 'nothing'
    carrier: 'code' | 'header' | 'cookie' | 'jwt'
    /** Absent where nobody is known, and no mini program either. */
    appId?: string
    /** Absent for a guest. */
    user?: string
    session?: string
    /** Unix ms: when the session ends. */
    expires?: number
    ms: number
  }
  /** A login has succeeded. */
  login: {
    appId: string
    user: string
    session: string
    /** `false`: the code had its session already, and its login was sent once more. */
    isNew: boolean
    /** What vouches for the profile. */
    proof: 'signature' | 'encryptedData' | 'none'
    ms: number
  }
  /** A code was sent to WeChat: `status` is missing where it was good, else that of the refusal. */
  exchange: {
    appId: string
    ms: number
    status?: number
    errcode?: number
    /** WeChat's name for the call, for its support. */
    rid?: string
  }
  /** A request was refused, by whatever middleware of ours. */
  refusal: { reason: Reason; status: number; message: string; errcode?: number; rid?: string }
  /** A call of the store. */
  store: {
    call: StoreCall
    ms: number
    /** What stands there (`read`, `claim`), what has become of it, or why it failed. */
    outcome: StoreOutcome
  }
  /** A session was looked up in the memory of `redisStore({ cache })`. */
  cache: { isHit: boolean }
  /** Every session of a user was ended, by `revoke()`. */
  revoke: { appId: string; user: string }
  /** Nobody is asked there for a while (`isOpen`), or everybody is again. */
  breaker: { of: 'store' | 'wechat'; isOpen: boolean }
}

/** What a store can be asked for. */
export type StoreCall =
  | 'read'
  | 'claim'
  | 'refuse'
  | 'create'
  | 'update'
  | 'renew'
  | 'take'
  | 'confirm'
  | 'putBack'
  | 'end'
  | 'list'
  | 'revoke'

/** What came of it. */
export type StoreOutcome =
  | 'session'
  | 'claimed'
  | 'granted'
  | 'refused'
  | 'used'
  | 'taken'
  | 'ended'
  | 'nothing'
  | 'saved'
  | 'conflict'
  | 'done'
  | 'not done'
  | 'failed'

/** The channel of that name. Ask `hasSubscribers` before a message is made. */
export function diagnostics<Name extends keyof Diagnostics>(name: Name): Publisher<Diagnostics[Name]> {
  return channel(channelName(name)) as Channel & Publisher<Diagnostics[Name]>
}

export interface Publisher<Message> {
  readonly hasSubscribers: boolean
  publish(message: Message): void
}

export function channelName(name: keyof Diagnostics): `koa-weapp-session:${keyof Diagnostics}` {
  return `koa-weapp-session:${name}`
}

export const DIAGNOSTICS: readonly (keyof Diagnostics)[] = [
  'identify',
  'login',
  'exchange',
  'refusal',
  'store',
  'cache',
  'revoke',
  'breaker',
]
