import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'koa'
import type { SessionRecord } from '../stores/store.js'
import type { PhoneNumber } from '../wechat/api.js'
import type { EncryptedData, WxUserInfo } from '../wechat/user-info.js'

/**
 * What handlers keep in a session. Yours to declare: from then on `data` has these names and no others. Undeclared, it has
 * any name, and each value is `unknown`. A session begins with `{}`, so a name without `?` has to be filled by `onLogin`.
 *
 * @example
 * declare module 'koa-weapp-session' {
 *   interface SessionData { cart?: string[] }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: users add to it, and only an interface can be added to.
export interface SessionData {}

/** {@link SessionData}, once it is declared; until then, whatever is JSON. */
export type DeclaredData = keyof SessionData extends never ? Record<string, unknown> : SessionData

/**
 * The session of a request. What these methods throw out of a handler is never 401: a request whose handler has begun must
 * not be repeated by whoever sees one. Where the next request has to log in, it is ERR_SESSION_CONFLICT (409) with
 * `Weapp-Login: required` (or `X-WX-Login`, as the request speaks), and the reason behind it in `cause`.
 */
export interface WxSession {
  /**
   * JSON, yours to change; saved when it has changed and the handlers did not throw. Changes are merged, key by key, with
   * what other requests have saved meanwhile. Where both have changed one key, and not to the same value, the answer is
   * ERR_SESSION_CONFLICT (409). A `Date` becomes its text, as JSON says; what is no JSON (a `Map`, a BigInt, an object
   * that contains itself) is a `TypeError` that says where it is, and nothing of the request is saved.
   *
   * @throws {Error} with `jwtCarrier()`, before {@link WxSession.load}
   */
  data: DeclaredData
  readonly createdAt: Date
  readonly expiresAt: Date
  /** Whether this very request began it. */
  readonly isNew: boolean
  /**
   * Reads the session from the store, where it was believed without: with `jwtCarrier()`. With the others it is
   * there already, and this does nothing.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when the session has ended, ERR_STORE_UNAVAILABLE
   */
  load(): Promise<void>
  /**
   * Saves what has changed in `data` now: on a request that will fail, say, or before an answer that is a stream.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT, ERR_STORE_UNAVAILABLE
   * @throws {TypeError} when it is no JSON
   */
  save(): Promise<void>
  /**
   * Changes the newest data, and saves it at once: for a counter, or whatever follows from what is there. `change` may be
   * async. It runs again with newer data when another request was first, up to ten times. `data` is then what was saved.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when others were first ten times, or the session was ended
   * @throws {TypeError} when it is no JSON
   *
   * @example
   * await ctx.$wxSession.update((data) => {
   *   data.wrongPins = (data.wrongPins ?? 0) + 1
   * })
   */
  update(change: (data: DeclaredData) => unknown): Promise<void>
  /**
   * Ends the session: the next request with it gets ERR_SESSION_EXPIRED. Sets `ctx.$wxUserInfo` and
   * `ctx.$wxSession` to `null`.
   *
   * Where it got another credential meanwhile, it ends under that one.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: it may still be alive
   */
  destroy(): Promise<void>
  /**
   * Gives the session another credential, and ends the old one: when the user may do more from now on (an account
   * was bound, say), so that whoever knew the credential before does not. It has happened when the promise resolves: the
   * answer of this request brings the new credential, whatever becomes of the handler. With `codeCarrier()` it does
   * nothing: the code is WeChat's. Await it, and answer with no redirect: `wx.request` follows one by itself, and shows
   * nobody what the first answer has brought.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when the headers of the answer are sent (then nothing has changed),
   * when another request was first, or when the session was ended meanwhile; ERR_STORE_UNAVAILABLE, and the old credential
   * stays good
   */
  rotate(): Promise<void>
  /**
   * Opens `encryptedData` of this user with the session's key, or those of the user's last two other sessions, and
   * checks that it was made for this mini program and this user, in the last ten minutes. The result is unsigned: do
   * not take an identity from it.
   *
   * May be given what stands in a request as it is (`ctx.request.body`): what is no two texts in base64, or longer than
   * 64 KB, is refused like what does not open, and is none of the ten.
   *
   * @throws {WeappSessionError} ERR_UNTRUSTED_RAW_DATA (400) when it does not open, or is not ours; always, once ten have
   * failed in this session. ERR_SESSION_CONFLICT where the user has to log in first: a guest, or one whose session_key
   * was sealed with another appSecret
   */
  decrypt(data: EncryptedData): Promise<Record<string, unknown>>
  /**
   * The phone number of this user, by the code of `<button open-type="getPhoneNumber">`: WeChat refuses the code of
   * anybody else. It charges for each number, and a code works once: asked again within five minutes, this process
   * gives the same answer. Each user has three calls at a time, `isKeyAlive()` included.
   *
   * @throws {WechatApiError} with a `code` that says what to do
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT in a session without a user
   */
  getPhoneNumber(code: string): Promise<PhoneNumber>
  /**
   * Asks WeChat whether it still takes this session's `session_key`: each `wx.login` may make another. Says nothing of
   * the session, which lives on without. `false` too when there is no key that could be asked about.
   *
   * @throws {WechatApiError} when WeChat does not say
   */
  isKeyAlive(): Promise<boolean>
}

declare module 'koa' {
  // What every context of Koa begins with, and Egg 3's too.
  interface BaseContext {
    /** The WeChat user of this request; `null` when it carries no credential. */
    $wxUserInfo: WxUserInfo | null
    /**
     * The session of this request; `null` when it carries no credential. One without a user, where the carrier is
     * `anonymous`.
     */
    $wxSession: WxSession | null
  }
}

/**
 * What the types of the middleware ask of a context. That of Koa 2 and 3 has it, and those of Egg and Midway, which are no
 * other at run time; by types alone, none of them is another's.
 */
export interface RequestContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
}

/**
 * What a context has where there is a user. As the second type of a router, it is what the routes after
 * `router.use(requireWxUser())` have.
 *
 * @example
 * import Router from '@koa/router'
 * import type { DefaultState } from 'koa'
 *
 * const members = new Router<DefaultState, WithUser>()
 * members.use(requireWxUser())
 * members.get('/me', (ctx) => { ctx.body = ctx.$wxUserInfo.openId })
 */
export interface WithUser extends RequestContext {
  $wxUserInfo: WxUserInfo
  $wxSession: WxSession
}

/**
 * Koa's context where there is a user: after `requireWxUser()`, and in `onLogin`. For handlers that are declared by
 * themselves.
 *
 * @example
 * async function showUser(ctx: UserContext) {
 *   ctx.body = { openId: ctx.$wxUserInfo.openId }
 * }
 * router.get('/me', requireWxUser(), showUser)
 */
export interface UserContext extends Context {
  $wxUserInfo: WxUserInfo
  $wxSession: WxSession
}

/** What a request carries. */
export interface PresentedCredential {
  readonly credential: string
  /** Whether the client needs the same credential again: it was signed with an old key, or ends soon. */
  readonly shouldReissue?: boolean
}

/** A session, its credential, and the id it is stored under. */
export interface LoadedSession {
  id: string
  credential: string
  record: SessionRecord
  /** The record is no more than what the credential says of it: it has to be loaded before anybody looks closer. */
  isPartial?: boolean
  /** This very request has made it live longer. */
  isRenewed?: boolean
}
