import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { WeappSessionError } from '../errors.js'
import {
  type Claim,
  CODE_MEMORY,
  type Entry,
  type RememberedRefusal,
  type SessionStore,
} from '../stores/store.js'
import { breaker } from '../util/breaker.js'
import { pausedFor, watchPauses } from '../util/pauses.js'
import type { WechatSession } from '../wechat/code2session.js'
import { BUSY, CODE_REFUSED } from '../wechat/errcodes.js'
import type { Slots } from '../wechat/slots.js'

export interface CodeExchangerOptions {
  store: SessionStore
  /** Sends a code to WeChat, once. */
  code2Session(code: string): Promise<WechatSession>
  /** How many codes are exchanged at the same time, and how many wait for their turn. */
  slots: Slots
  /** Asks whether WeChat answers, with a code that cannot be one. */
  isWechatDown(): Promise<boolean>
  /** A login was turned away without asking WeChat. */
  onTurnedAway?: () => void
  /** ms that others wait for a login that is under way: then its process is believed to be dead. */
  lease: number
}

type Claimed = Extract<Entry, { state: 'claimed' }>

/** Asks WeChat, and tells the breaker how that ended. */
type Ask = <A>(call: () => Promise<A>) => Promise<A>

/**
 * What became of a code: this process has exchanged it, and has the right to create its session; or a login with it has
 * succeeded before, and left an entry.
 */
type LoginOutcome =
  | { kind: 'exchanged'; wechat: WechatSession; claim: Claim }
  | { kind: 'found'; entry: Entry }

export interface CodeExchanger {
  /**
   * Exchanges a code, if no process has; else what became of it.
   *
   * @throws {WeappSessionError} ERR_SESSION_KEY_EXCHANGE_FAILED, now or as it was remembered
   */
  exchange(id: string, code: string): Promise<LoginOutcome>
  /** What stands under an id, once no login with it is under way any more. */
  outcomeOf(id: string): Promise<Entry | undefined>
  /** Remembers that a code is spent although there is no session: nothing can be created by its claim any more. */
  spend(claim: Pick<Claim, 'id' | 'token'>): Promise<void>
}

/** What is known of a code that was used up for nothing: a new one is needed. */
const SPENT: RememberedRefusal = { status: 401 }

/** What is said of a code that was not sent: WeChat is silent, or asked by too many. */
const AWAY: RememberedRefusal = { status: 502, retryAfter: 1 }

/** Where a login has succeeded, whatever has become of its session since. */
const HAS_LOGGED_IN = new Set<Entry['state']>(['session', 'used', 'ended'])

/**
 * Anybody can make up codes that WeChat refuses, so those leave next to nothing behind: in the store for as long as other
 * processes may wait for them (ms), and in this process so many. Asked again, WeChat says the same again.
 */
const REFUSED_MEMORY = 10_000
const REFUSED_HERE_MAX = 1000

/** ms between two looks at a login of another process: short at first, because most are quick. */
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 200

/** ms that a look at the store may take beyond its pause. One that takes longer says that this process could not run. */
const LOOK = 100

/** ms over which exchanges are counted, and ms that a WeChat which fails is left alone. */
const WINDOW = 10_000
const COOL_DOWN = 2000

/**
 * One exchange for each code, over all processes: who gets the claim exchanges, the others wait for what comes
 * of it. WeChat consumes a code even when it refuses it or when its answer is lost, so a code whose exchange has
 * failed, or whose process has died, is never tried again.
 *
 * While WeChat is silent, or asked by too many, codes that nobody has exchanged are turned away before they are
 * claimed: at once, and without a trace.
 */
export function createCodeExchanger({
  store,
  code2Session,
  slots,
  isWechatDown,
  onTurnedAway,
  lease,
}: CodeExchangerOptions): CodeExchanger {
  /** The waiting for a login of another process: one for each code, however many requests wait. */
  const waits = new Map<string, Promise<void>>()
  const refusedHere = new LRUCache<string, RememberedRefusal>({ max: REFUSED_HERE_MAX, ttl: CODE_MEMORY })
  const silence = breaker({
    of: 'wechat',
    isFailure: isSilence,
    isOdd: isOddAnswer,
    isDown: isWechatDown,
    window: WINDOW,
    share: 0.5,
    coolDown: COOL_DOWN,
  })

  watchPauses()
  return { exchange, outcomeOf, spend }

  async function exchange(id: string, code: string): Promise<LoginOutcome> {
    const refused = refusedHere.get(id)
    if (refused) throw failure(refused)
    // In one of the slots, and while WeChat answers. Where there is none, or it is silent: what others know of the code.
    const whileItAnswers = () => silence.attempt((ask) => claimAndExchange(id, code, ask)) ?? readFound(id)
    const outcome = await (slots.exchange(whileItAnswers) ?? readFound(id))
    if (outcome.kind === 'exchanged') return outcome

    const entry = outcome.entry.state === 'claimed' ? await outcomeOf(id) : outcome.entry
    if (entry && HAS_LOGGED_IN.has(entry.state)) return { kind: 'found', entry }
    throw failure(entry?.state === 'refused' ? entry.refusal : SPENT)
  }

  /** What has become of a code, where WeChat cannot be asked. */
  async function readFound(id: string): Promise<LoginOutcome> {
    const entry = await store.read(id)
    if (entry) return { kind: 'found', entry }
    onTurnedAway?.()
    throw failure(AWAY)
  }

  async function claimAndExchange(id: string, code: string, ask: Ask): Promise<LoginOutcome> {
    const entry = await store.claim(id)
    if (entry.state !== 'granted') return { kind: 'found', entry }
    const { claim } = entry
    try {
      return { kind: 'exchanged', wechat: await ask(() => code2Session(code)), claim }
    } catch (error) {
      const refusal = error instanceof WeappSessionError ? error : failure(AWAY)
      // Not awaited: no answer has to wait for it, and where it fails, the claim itself keeps the code from being
      // exchanged again.
      remember(claim, refusalOf(refusal)).catch(() => {})
      throw refusal
    }
  }

  async function outcomeOf(id: string): Promise<Entry | undefined> {
    const entry = await store.read(id)
    if (entry?.state !== 'claimed') return entry
    await (waits.get(id) ?? startWait(id, entry))
    // Each waiter reads again: what the wait saw may be over by now.
    const after = await store.read(id)
    return after?.state === 'claimed' && after.token !== entry.token ? outcomeOf(id) : after
  }

  function startWait(id: string, claimed: Claimed): Promise<void> {
    const wait = untilReleased(id, claimed).finally(() => waits.delete(id))
    waits.set(id, wait)
    return wait
  }

  /**
   * Polls until the process that exchanges the code is done with it, or its lease is over. Where this process could not
   * run, the other may have stood still with it (a container that was frozen): that time does not count, and a look that
   * was late is followed by another.
   */
  async function untilReleased(id: string, { age, token }: Claimed): Promise<void> {
    let left = lease - age + pausedFor(age)
    for (let pause = FIRST_PAUSE; left > 0; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      const wait = Math.min(pause, Math.max(1, left))
      const began = performance.now()
      await sleep(wait)
      if ((await store.read(id))?.state !== 'claimed') return
      const lasted = performance.now() - began
      left = lasted <= wait + LOOK ? left - lasted : Math.max(1, left - wait)
    }
    // Its process has died, or stands still. When it goes on, it must not make a session of a code that we call spent.
    await spend({ id, token })
  }

  function spend(claim: Pick<Claim, 'id' | 'token'>): Promise<void> {
    return store.refuse(claim, SPENT, CODE_MEMORY)
  }

  function remember(claim: Claim, refusal: RememberedRefusal): Promise<void> {
    const isForGood = CODE_REFUSED.has(refusal.errcode ?? 0)
    if (isForGood) refusedHere.set(claim.id, refusal)
    return store.refuse(claim, refusal, isForGood ? REFUSED_MEMORY : CODE_MEMORY)
  }
}

/** No answer, or none that can be used, or "busy" (-1): what was said of one code or of our options is none. */
function isSilence(error: unknown): boolean {
  if (!(error instanceof WeappSessionError)) return true
  const { status, detail } = error
  return status === 504 || (status === 502 && (detail?.errcode ?? BUSY) === BUSY)
}

/** Anything but no answer in time: WeChat, or something before it, may give it to a code that somebody has made up. */
function isOddAnswer(error: unknown): boolean {
  return error instanceof WeappSessionError && error.status !== 504
}

function refusalOf({ status, detail, headers }: WeappSessionError): RememberedRefusal {
  const retryAfter = headers['Retry-After']
  return { status, ...detail, ...(retryAfter && { retryAfter: Number(retryAfter) }) }
}

function failure(refusal: RememberedRefusal): WeappSessionError {
  return new WeappSessionError('ERR_SESSION_KEY_EXCHANGE_FAILED', refusal)
}
