import type { WechatApi } from '../wechat/api.js'
import type { WxUserInfo } from '../wechat/user-info.js'
import type { DeclaredData, WxSession } from './session.js'

/** A call that needs what only a login brings, where the platform says who the user is. Koa answers 500. */
class NoSessionKeyError extends Error {
  readonly code = 'ERR_NO_SESSION_KEY'
  readonly status = 500

  constructor(what: string) {
    super(
      `koa-weapp-session: ${what} needs a session_key, and with cloudRun() there is none: the user has not logged in`,
    )
  }
}

/**
 * What handlers have of a user whom the platform names, see `cloudRun()`. Nothing of it is stored, and it says so aloud:
 * what a handler keeps in `data` must not be lost without a word.
 */
export class TrustedSession implements WxSession {
  readonly user: WxUserInfo
  readonly isNew = false
  readonly createdAt: Date = new Date()
  readonly expiresAt: Date = this.createdAt
  readonly #wechat: WechatApi | undefined
  readonly #onEnd: () => void

  constructor(user: WxUserInfo, wechat: WechatApi | undefined, onEnd: () => void) {
    this.user = user
    this.#wechat = wechat
    this.#onEnd = onEnd
  }

  /** As of the session of a request. */
  get visible(): WxSession {
    return this
  }

  finish(): undefined {}

  async save(): Promise<void> {}

  async update(): Promise<void> {
    throw new Error(NOT_STORED)
  }

  get data(): DeclaredData {
    throw new Error(NOT_STORED)
  }

  set data(_) {
    throw new Error(NOT_STORED)
  }

  async load(): Promise<void> {}

  /** The next call is identified anew. */
  async destroy(): Promise<void> {
    this.#onEnd()
  }

  async rotate(): Promise<void> {}

  async decrypt(): Promise<Record<string, unknown>> {
    throw new NoSessionKeyError('decrypt()')
  }

  async isKeyAlive(): Promise<boolean> {
    throw new NoSessionKeyError('isKeyAlive()')
  }

  async getPhoneNumber(code: string): ReturnType<WxSession['getPhoneNumber']> {
    if (!this.#wechat)
      throw new Error(`koa-weapp-session: ${this.user.appId} is no mini program of this server`)
    return this.#wechat.getPhoneNumber(code, { openId: this.user.openId })
  }

  /** For `ctx.body = ctx.$wxSession`. */
  toJSON(): object {
    return { isNew: false }
  }
}

const NOT_STORED =
  'koa-weapp-session: with cloudRun() there is no session to keep data in: keep it in your database, by ctx.$wxUserInfo.openId'
