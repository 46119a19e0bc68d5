import { AsyncLocalStorage } from 'node:async_hooks'
import type { ServerResponse } from 'node:http'
import { WeappSessionError } from '../errors.js'
import type { SessionRecord } from '../stores/store.js'
import { optionError } from '../util/option-error.js'
import { warnings } from '../util/warn.js'
import { become, type Data, mergeData, parseData, printData } from './data.js'
import type { LoadedSession } from './session.js'
import type { Sessions } from './sessions.js'
import { overtaken } from './succession.js'

/** The session that the data is of, as the request knows it. */
export interface DataOwner {
  /** None for a guest who has left nothing yet. */
  session: LoadedSession | undefined
  /** Begins the session of a guest, for what they leave. */
  begin(data: Data): Promise<void>
}

/** `update()` may run its function so often. */
const RUNS_MAX = 10

/** ms after which a change that is made when the answer is out, and not saved by then, is lost. */
const TIME_TO_SAVE = 1000

const warn = warnings()

/** Within the function of an `update()`. */
const changing = new AsyncLocalStorage<RequestData>()

/** The data of a request's session: a private copy for handlers, since the record is the store's. */
export class RequestData {
  readonly #owner: DataOwner
  readonly #sessions: Sessions
  #data: Data
  /** What the copy was made from, as JSON. */
  #base: string
  /** Whether the answer is out: nobody saves any more. */
  #isFinished: boolean
  #isWatched = false
  /** What is saved at the moment. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(owner: DataOwner, sessions: Sessions, isFinished: boolean) {
    this.#owner = owner
    this.#sessions = sessions
    this.#isFinished = isFinished
    this.#base = JSON.stringify(owner.session?.record.data ?? {})
    this.#data = parseData(this.#base)
  }

  get value(): Data {
    if (this.#isFinished) this.#watch()
    return this.#data
  }

  set value(value) {
    if (!isPlain(value)) throw optionError('session.data must be a plain object')
    if (this.#isFinished) this.#watch()
    this.#data = value
  }

  /** The data as it is now, where it has changed. @throws {TypeError} when it is no JSON */
  changed(): Data | undefined {
    const text = printData(this.#data)
    return text === this.#base ? undefined : parseData(text)
  }

  /**
   * Stores what has changed since it was read, or saved last: merged, key by key, with what others have stored. One after
   * the other, so that a request is in no conflict with itself.
   */
  save(): Promise<void> {
    return changing.getStore() === this ? this.#save() : this.#inTurn(() => this.#save())
  }

  /** Changes the newest data, and makes the change again where another request was first. */
  async update(change: (data: Data) => unknown): Promise<void> {
    if (changing.getStore() === this) throw new TypeError(NESTED)
    await this.#inTurn(async () => {
      // What this request has changed already belongs to what it changes now.
      await this.#save()
      await this.#update((data) => changing.run(this, async () => void (await change(data))))
    })
  }

  async #save(): Promise<void> {
    const text = printData(this.#data)
    if (text === this.#base) return
    const { session } = this.#owner
    if (!session) {
      await this.#owner.begin(parseData(text))
      this.#base = text
      return
    }
    const [base, after] = [parseData(this.#base), parseData(text)]
    const saved = await this.#sessions.update(session.id, session.record, (current) => {
      const data = mergeData(base, after, current.data)
      return { ...current, data }
    })
    // Not "expired", which a client may answer with a login and the same request once more: the handler has run.
    if (!saved) throw overtaken()
    this.#stored(saved)
    // Handlers go on with what they hold, and with what they have changed meanwhile.
    if (this.#base !== text) become(this.#data, mergeData(after, this.#copy(), parseData(this.#base)))
  }

  async #update(change: (data: Data) => Promise<void>): Promise<void> {
    const { session } = this.#owner
    let data = parseData(this.#base)
    if (!session) {
      await change(data)
      become(this.#data, data)
      return this.#save()
    }
    let { record } = session
    for (let runs = 0; runs < RUNS_MAX; runs++) {
      data = parseData(JSON.stringify(record.data))
      await change(data)
      const changed = { ...record, data: parseData(printData(data)) }
      const result = await this.#sessions.write(session.id, changed)
      if (result === 'ended') throw overtaken()
      record = result.record
      if (!result.isSaved) continue
      const before = parseData(this.#base)
      this.#stored(record)
      become(this.#data, mergeData(before, this.#copy(), parseData(this.#base)))
      return
    }
    throw new WeappSessionError('ERR_SESSION_CONFLICT')
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work, work)
    this.#turn = result
    return result
  }

  /** The last to save. What is changed from here on, and not saved by its handler, is lost: that is said. */
  async finish(response: ServerResponse): Promise<void> {
    await this.#inTurn(() => this.#save())
    this.#isFinished = true
    if (!response.writableFinished) response.once('close', () => this.#look())
  }

  #copy(): Data {
    return parseData(printData(this.#data))
  }

  #stored(record: SessionRecord): void {
    const { session } = this.#owner
    if (session) this.#owner.session = { ...session, record }
    this.#base = JSON.stringify(record.data)
  }

  #watch(): void {
    if (this.#isWatched) return
    this.#isWatched = true
    setTimeout(() => {
      this.#isWatched = false
      this.#look()
    }, TIME_TO_SAVE).unref()
  }

  #look(): void {
    if (printed(this.#data) !== this.#base) warn.once('WEAPP_LATE_DATA', LATE)
  }
}

const LATE =
  'session.data was changed after the request was answered, or while its body was sent, and that was not kept: ' +
  'await ctx.$wxSession.save() after such a change.'

/** What is no JSON is a change too: nobody is there to be told by an error. */
function printed(data: Data): string | undefined {
  try {
    return JSON.stringify(data)
  } catch {
    return undefined
  }
}

const NESTED =
  'koa-weapp-session: update() inside update() would wait for itself: change the data that you were given'

/** `{}`, of whatever realm; not an array, a Date, a Map. */
function isPlain(value: unknown): value is Data {
  return Object.prototype.toString.call(value) === '[object Object]'
}
