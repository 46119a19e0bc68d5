import type { ServerResponse } from 'node:http'
import type { Sealer } from '../crypto/seal.js'
import { WeappSessionError } from '../errors.js'
import { CODE_MEMORY, type SessionRecord } from '../stores/store.js'
import type { PhoneNumber, WechatApi } from '../wechat/api.js'
import type { WxUserInfo } from '../wechat/user-info.js'
import { type EncryptedData, readEncrypted } from '../wechat/user-info.js'
import type { Data } from './data.js'
import { inHandler } from './in-handler.js'
import type { OpenData } from './open-data.js'
import { type DataOwner, RequestData } from './request-data.js'
import type { DeclaredData, LoadedSession, WxSession } from './session.js'
import type { Sessions } from './sessions.js'
import { overtaken, untold } from './succession.js'

/** What the session of a request needs of its mini program. */
export interface RequestSessionTools {
  sessions: Sessions
  sealer: Sealer
  openData: OpenData
  wechat: WechatApi
}

export interface RequestSessionOptions {
  /** The answer to the request. */
  answer: {
    /** Whether its headers can still bring a credential. */
    isOpen(): boolean
    /** Puts the credential of a session into them. `false`: it is too late. */
    give(session: LoadedSession): Promise<boolean>
  }
  isNew: boolean
  /** Whether it is only about to begin, for `onLogin`: no handler has seen the request. */
  isDraft?: boolean
  /** The session has ended: the request has no user any more. */
  onEnd(): void
}

/**
 * The session of one request: what the middleware does with it. Without a loaded session, one that begins when something
 * is put into `data`.
 *
 * Classes, not object literals, because one is created for each request, and the accessors of a literal would be created
 * with each. (Measured: that cost a quarter of the request.)
 */
export class RequestSession implements DataOwner {
  /** `null` in a session without a user. */
  readonly user: WxUserInfo | null
  /** What handlers see of it. */
  readonly visible: WxSession
  readonly #tools: RequestSessionTools
  readonly #onEnd: () => void
  readonly #answer: RequestSessionOptions['answer']
  session: LoadedSession | undefined
  #data: RequestData | undefined
  #isOver = false
  /** Whether the handlers are done, and what they have changed is stored. */
  #isFinished = false
  /** About to begin: nothing of it is stored. */
  readonly #isDraft: boolean
  /** When the request found it, by the process's own clock: ms. */
  readonly #since: number = performance.now()

  constructor(
    tools: RequestSessionTools,
    loaded: LoadedSession | undefined,
    { answer, isNew, onEnd, isDraft = false }: RequestSessionOptions,
  ) {
    this.#tools = tools
    this.session = loaded
    this.#onEnd = onEnd
    this.#answer = answer
    this.#isDraft = isDraft
    // A copy: the record is the store's.
    this.user = loaded?.record.user ? { ...loaded.record.user } : null
    this.visible = new PublicSession(this, isNew, isDraft)
  }

  get data(): Data {
    return this.#opened().value
  }

  set data(value) {
    this.#opened().value = value
  }

  get created(): number {
    return this.session?.record.created ?? Date.now()
  }

  get expires(): number {
    return this.session?.record.expires ?? this.#tools.sessions.expiry()
  }

  get isLoaded(): boolean {
    return !this.session?.isPartial
  }

  async load(): Promise<void> {
    const session = this.session
    if (session && !this.isLoaded) this.session = await this.#tools.sessions.load(session.credential)
  }

  async destroy(): Promise<void> {
    this.#isOver = true
    await this.#end().catch((error: unknown) => {
      this.#isOver = false
      throw error
    })
    this.#onEnd()
  }

  async rotate(): Promise<void> {
    // A draft has a credential that nobody knows yet; and so has a guest who has left nothing.
    if (!this.session || this.#isDraft || this.#isOver) return
    if (!this.#answer.isOpen()) throw untold()
    this.session = await this.#tools.sessions.rotate(this.session, this.#give)
  }

  async decrypt(data: unknown): Promise<Record<string, unknown>> {
    // Before anything is asked, and before anything is counted: what nobody could open is no attempt.
    const encrypted = readEncrypted(data)
    if (!encrypted) throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
    await this.load()
    const { sealer, openData } = this.#tools
    const session = this.session
    if (!session?.record.user) throw loginRequired('decrypt()')
    // Sealed with an appSecret that has been replaced since: a new login brings a key that opens.
    if (sealer.open(session.record.key, session.id) === undefined)
      throw new WeappSessionError('ERR_SESSION_EXPIRED', { message: KEY_IS_GONE })
    return openData.open(session, encrypted)
  }

  async getPhoneNumber(code: string): Promise<PhoneNumber> {
    const openId = this.session?.record.user?.openId
    if (!openId || this.#isOver) throw loginRequired('getPhoneNumber()')
    return this.#tools.wechat.getPhoneNumber(code, { openId })
  }

  async isKeyAlive(): Promise<boolean> {
    await this.load()
    const session = this.session
    const openId = session?.record.user?.openId
    const key = session && this.#tools.sealer.open(session.record.key, session.id)
    if (!openId || this.#isOver || key === undefined) return false
    return this.#tools.wechat.isKeyAlive(openId, key)
  }

  /** The record with what handlers have put into `data`; `undefined` when nothing has changed. */
  changed(): SessionRecord | undefined {
    const data = this.#isOver ? undefined : this.#data?.changed()
    return data && this.session && { ...this.session.record, data }
  }

  /**
   * Stores what has changed since the data was read, or saved last: merged, key by key, with what others have stored.
   *
   * @throws {WeappSessionError} ERR_SESSION_CONFLICT when another request has changed the same key, when the session was
   * ended meanwhile, and where a guest cannot be told of the session that would begin
   * @throws {TypeError} when it is no JSON
   */
  async save(): Promise<void> {
    if (!this.#isOver && !this.#isDraft) await this.#data?.save()
  }

  /** Stores what handlers have changed, at the end of the request. */
  finish(response: ServerResponse): Promise<void> | undefined {
    this.#isFinished = true
    return this.#isOver ? undefined : this.#data?.finish(response)
  }

  /** Changes the newest data, and makes the change again where another request was first. */
  async update(change: (data: Data) => unknown): Promise<void> {
    if (this.#isDraft || (this.#isOver && !this.session)) return void (await change(this.data))
    await this.load()
    await this.#opened().update(change)
  }

  /** Made at the first look: most requests never look. */
  #opened(): RequestData {
    if (!this.isLoaded) throw new Error(NOT_LOADED)
    this.#data ??= new RequestData(this, this.#tools.sessions, this.#isFinished)
    return this.#data
  }

  async begin(data: Data): Promise<void> {
    if (!this.#answer.isOpen()) throw untold()
    this.session = await this.#tools.sessions.createGuest(data, this.#give)
  }

  /** Not for a session that is being ended: the answer takes its credential back. */
  readonly #give = async (session: LoadedSession): Promise<boolean> =>
    !this.#isOver && this.#answer.give(session)

  async #end(): Promise<void> {
    if (!this.session) return
    const wasKnown = await this.#tools.sessions.end(this.session)
    // Then it got another credential so long ago that nobody knows which: that one lives on.
    const mayLiveOn = !this.isLoaded || performance.now() - this.#since >= CODE_MEMORY
    if (!wasKnown && mayLiveOn) throw overtaken()
  }
}

/** What handlers hold: nothing of the record, and no secret, can be reached from it. */
class PublicSession implements WxSession {
  readonly isNew: boolean
  readonly #session: RequestSession
  readonly #isDraft: boolean

  constructor(session: RequestSession, isNew: boolean, isDraft: boolean) {
    this.#session = session
    this.#isDraft = isDraft
    this.isNew = isNew
  }

  // Through `object`: what users have declared need not have a type that overlaps with ours.
  get data(): DeclaredData {
    return this.#session.data as object as DeclaredData
  }

  set data(value) {
    this.#session.data = value as object as Data
  }

  get createdAt(): Date {
    return new Date(this.#session.created)
  }

  get expiresAt(): Date {
    return new Date(this.#session.expires)
  }

  load(): Promise<void> {
    return this.#asked(this.#session.load())
  }

  destroy(): Promise<void> {
    return this.#asked(this.#session.destroy())
  }

  rotate(): Promise<void> {
    return this.#asked(this.#session.rotate())
  }

  save(): Promise<void> {
    return this.#asked(this.#session.save())
  }

  update(change: (data: DeclaredData) => unknown): Promise<void> {
    return this.#asked(this.#session.update((data) => change(data as object as DeclaredData)))
  }

  decrypt(encrypted: EncryptedData): Promise<Record<string, unknown>> {
    return this.#asked(this.#session.decrypt(encrypted))
  }

  getPhoneNumber(code: string): Promise<PhoneNumber> {
    return this.#asked(this.#session.getPhoneNumber(code))
  }

  isKeyAlive(): Promise<boolean> {
    return this.#asked(this.#session.isKeyAlive())
  }

  /** Before there is a session, no handler has begun: `onLogin` refuses as a login does. */
  #asked<Result>(asked: Promise<Result>): Promise<Result> {
    return this.#isDraft ? asked : inHandler(asked)
  }

  /** For `ctx.body = ctx.$wxSession`. */
  toJSON(): object {
    const { isNew, createdAt, expiresAt } = this
    return { ...(this.#session.isLoaded && { data: this.data }), createdAt, expiresAt, isNew }
  }
}

const NOT_LOADED = 'koa-weapp-session: with jwtCarrier(), await ctx.$wxSession.load() before its data'

const KEY_IS_GONE =
  'The session_key of this session was sealed with another appSecret, and opens no more: log in again.'

function loginRequired(what: string): WeappSessionError {
  const message = `${what} needs a logged-in user: put requireWxUser() before this handler.`
  return new WeappSessionError('ERR_LOGIN_REQUIRED', { message })
}
