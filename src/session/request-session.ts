import type { Ids } from '../crypto/ids.js'
import type { Sealer } from '../crypto/seal.js'
import { type EncryptedData, readEncrypted, type WxUserInfo } from '../crypto/user-data.js'
import { WeappSessionError } from '../errors.js'
import type { Trust } from '../jwt/revocation-cache.js'
import type { Reason } from '../protocol.js'
import { CODE_MEMORY, type SessionRecord, type SessionStore } from '../stores/store.js'
import { isObject } from '../util/json.js'
import { mistake } from '../util/option-error.js'
import type { PhoneNumber, WechatApi } from '../wechat/api.js'
import { amend } from './amend.js'
import { inHandler } from './in-handler.js'
import type { Lives } from './lives.js'
import type { OpenData } from './open-data.js'
import type { FoundSession, OpenSession, SessionData, Situation, WxSession } from './session.js'
import { overtaken } from './succession.js'

/** What sessions need of their mini program. */
export interface Surroundings {
  ids: Ids
  store: SessionStore
  sealer: Sealer
  lives: Lives
  openData: OpenData
  trust: Trust
  wechat: WechatApi
  find(presented: { credential: string }): FoundSession | Promise<FoundSession>
}

/** Opens a session for the handlers of one request; without one, a session that begins when it is written to. */
export type Open = (found: FoundSession | undefined, situation: Situation) => OpenSession

export function opener(surroundings: Surroundings): Open {
  return (found, situation) => new Opened(surroundings, found, situation)
}

/**
 * The two classes of this project: they are made for each request, and the accessors of an object literal would be
 * made with each. (Measured: that cost a quarter of the request.)
 */
class Opened implements OpenSession {
  readonly user: WxUserInfo | null
  readonly visible: WxSession
  readonly #around: Surroundings
  readonly #onEnd: () => void
  #session: FoundSession | undefined
  /** A private copy, made at the first look: the record is the store's, and most requests never look. */
  #data: SessionData | undefined
  /** What that copy was made from, as JSON. */
  #base = ''
  #isOver = false
  #isToMove = false
  /** By the process's own clock, when the request found it: ms. */
  readonly #since = performance.now()

  constructor(
    around: Surroundings,
    found: FoundSession | undefined,
    { isNew, onEnd, isDraft = false }: Situation,
  ) {
    this.#around = around
    this.#session = found
    this.#onEnd = onEnd
    // A copy: the record is the store's.
    this.user = found?.record.user ? { ...found.record.user } : null
    this.visible = new Visible(this, isNew, isDraft)
  }

  get data(): SessionData {
    if (this.#session?.isClaimed) throw new Error(NOT_LOADED)
    if (!this.#data) {
      this.#base = this.#stored()
      this.#data = JSON.parse(this.#base) as SessionData
    }
    return this.#data
  }

  set data(value) {
    if (!isObject(value)) throw mistake('session.data must be a plain object')
    if (this.#session?.isClaimed) throw new Error(NOT_LOADED)
    if (!this.#data) this.#base = this.#stored()
    this.#data = value
  }

  get created(): number {
    return this.#session?.record.created ?? Date.now()
  }

  get expires(): number {
    return this.#session?.record.expires ?? this.#around.lives.end()
  }

  async load(): Promise<void> {
    const session = this.#session
    if (!session?.isClaimed) return
    try {
      this.#session = await this.#around.find({ credential: session.credential })
    } catch (error) {
      // So that the next request with it is refused before its handler begins.
      const { ids, trust } = this.#around
      if (isRefusal(error, 'ERR_SESSION_EXPIRED')) trust.doubt(ids.owner(session.record.user, session.id))
      throw error
    }
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
    // Not before the handlers are done: one that throws leaves the session, and its credential, as they were.
    this.#isToMove = true
  }

  async decrypt(data: unknown): Promise<Record<string, unknown>> {
    // Before anything is asked, and before anything is counted: what nobody could open is no attempt.
    const encrypted = readEncrypted(data)
    if (!encrypted) throw new WeappSessionError('ERR_UNTRUSTED_RAW_DATA')
    await this.load()
    const { sealer, openData } = this.#around
    const session = this.#session
    if (!session?.record.user) throw loginRequired('decrypt()')
    // Sealed with an appSecret that has been replaced since: a new login brings a key that opens.
    if (sealer.open(session.record.key, session.id) === undefined)
      throw new WeappSessionError('ERR_SESSION_EXPIRED', { message: KEY_IS_GONE })
    return openData.open(session, encrypted)
  }

  async getPhoneNumber(code: string): Promise<PhoneNumber> {
    const openId = this.#session?.record.user?.openId
    if (!openId || this.#isOver) throw loginRequired('getPhoneNumber()')
    return this.#around.wechat.getPhoneNumber(code, { openId })
  }

  async isKeyAlive(): Promise<boolean> {
    await this.load()
    const session = this.#session
    const openId = session?.record.user?.openId
    const key = session && this.#around.sealer.open(session.record.key, session.id)
    if (!openId || this.#isOver || key === undefined) return false
    return this.#around.wechat.isKeyAlive(openId, key)
  }

  current(): FoundSession | undefined {
    return this.#isOver ? undefined : this.#session
  }

  changed(): SessionRecord | undefined {
    if (this.#data === undefined || this.#isOver || !this.#session) return undefined
    const after = JSON.stringify(this.#data)
    if (after === this.#base) return undefined
    return { ...this.#session.record, data: JSON.parse(after) }
  }

  isLoaded(): boolean {
    return !this.#session?.isClaimed
  }

  isTouched(): boolean {
    return !this.#isOver && (this.#data !== undefined || this.#isToMove)
  }

  async save(): Promise<void> {
    const conflict = await this.#saveData().catch((error: unknown) => {
      // Whoever has the old credential could keep a session from getting another by writing to it.
      if (this.#isToMove && isRefusal(error, 'ERR_SESSION_CONFLICT')) return error
      throw error
    })
    if (this.#isToMove && this.#session) this.#session = await this.#around.lives.move(this.#session)
    if (conflict) throw conflict
  }

  async #saveData(): Promise<void> {
    const { lives, store } = this.#around
    if (!this.#session) {
      if (this.#data && Object.keys(this.data).length > 0) this.#session = await lives.beginGuest(this.data)
      return
    }
    const update = this.changed()
    if (!update) return
    const saved = await amend(store, this.#session.id, this.#session.record, (current) => {
      if (JSON.stringify(current.data) !== this.#base) throw new WeappSessionError('ERR_SESSION_CONFLICT')
      return { ...current, data: update.data }
    })
    // Not "expired", which a client may answer with a login and the same request once more: the handler has run.
    if (!saved) throw overtaken()
  }

  async #end(): Promise<void> {
    if (!this.#session) return
    const { id, record, isClaimed } = this.#session
    const { store, ids, trust } = this.#around
    const user = ids.owner(record.user, id)
    const wasKnown = await store.end(id, user)
    // Then it got another credential so long ago that nobody knows which: that one lives on.
    const mayLiveOn = isClaimed || performance.now() - this.#since >= CODE_MEMORY
    if (!wasKnown && mayLiveOn) throw overtaken()
    trust.ended(id)
    // What it had become has ended too.
    trust.doubt(user)
  }

  #stored(): string {
    return JSON.stringify(this.#session?.record.data ?? {})
  }
}

/** What handlers hold: nothing of the record, and no secret, can be reached from it. */
class Visible implements WxSession {
  readonly isNew: boolean
  readonly #opened: Opened
  readonly #isDraft: boolean

  constructor(opened: Opened, isNew: boolean, isDraft: boolean) {
    this.#opened = opened
    this.#isDraft = isDraft
    this.isNew = isNew
  }

  get data(): SessionData {
    return this.#opened.data
  }

  set data(value) {
    this.#opened.data = value
  }

  get createdAt(): Date {
    return new Date(this.#opened.created)
  }

  get expiresAt(): Date {
    return new Date(this.#opened.expires)
  }

  load(): Promise<void> {
    return this.#asked(this.#opened.load())
  }

  destroy(): Promise<void> {
    return this.#asked(this.#opened.destroy())
  }

  rotate(): Promise<void> {
    return this.#asked(this.#opened.rotate())
  }

  decrypt(encrypted: EncryptedData): Promise<Record<string, unknown>> {
    return this.#asked(this.#opened.decrypt(encrypted))
  }

  getPhoneNumber(code: string): Promise<PhoneNumber> {
    return this.#asked(this.#opened.getPhoneNumber(code))
  }

  isKeyAlive(): Promise<boolean> {
    return this.#asked(this.#opened.isKeyAlive())
  }

  /** Before there is a session, no handler has begun: `onLogin` refuses as a login does. */
  #asked<Result>(asked: Promise<Result>): Promise<Result> {
    return this.#isDraft ? asked : inHandler(asked)
  }

  /** For `ctx.body = ctx.$wxSession`. */
  toJSON(): object {
    const { isNew, createdAt, expiresAt } = this
    return { ...(this.#opened.isLoaded() && { data: this.data }), createdAt, expiresAt, isNew }
  }
}

function isRefusal(error: unknown, reason: Reason): boolean {
  return error instanceof WeappSessionError && error.reason === reason
}

const NOT_LOADED = 'koa-weapp-session: with jwtCarrier(), await ctx.$wxSession.load() before its data'

const KEY_IS_GONE =
  'The session_key of this session was sealed with another appSecret, and opens no more: log in again.'

function loginRequired(what: string): WeappSessionError {
  const message = `${what} needs a logged-in user: put requireWxUser() before this handler.`
  return new WeappSessionError('ERR_LOGIN_REQUIRED', { message })
}
