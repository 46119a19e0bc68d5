import type { Session, SessionOptions } from '../../../client/src/types.js'
import { BASE_URL, createServer, type ModelServer, OTHER_ORIGIN } from './model-server.js'
import type { CarrierName } from './model-sessions.js'
import {
  endOf,
  isSettled,
  listeningCallbacks,
  listenTo,
  type ObservedCall,
  type Style,
  THROWN,
} from './observed-call.js'
import { oddWx } from './odd-wx.js'
import { createRandom } from './random.js'
import { createRules } from './rules.js'
import { takeClock, type VirtualClock } from './virtual-clock.js'
import { createPhone, type Phone, type TransferApi } from './virtual-phone.js'

export interface WorldOptions {
  /** Decides all latencies, and the client's own chance. */
  seed: number
  createSession(options: SessionOptions): Session
  profile?: Profile
  /** Default `code`. */
  carrier?: CarrierName
  /** Whether the server, and what its client expects, are those of 2016. Default false. */
  isOld?: boolean
  /** ms. Default 60,000. */
  deadline?: number
  /** ms. Default 10,000. */
  loginTimeout?: number
  /** Default true. */
  hasHeaderEvents?: boolean
  /** ms for one way. Default: mostly short, sometimes many seconds. */
  latency?: (random: () => number) => number
  /** Whether that is never more than a second. Default false. */
  isQuick?: boolean
  /** Whether `wx` is wrapped by others, and gives back whatever they like. Default false. */
  isOdd?: boolean
}

/** What the session is told to send of its user; most of them are providers that misbehave. */
export type Profile = (typeof PROFILES)[number]

export const PROFILES = ['userInfo', 'none', 'given', 'missing', 'rejecting', 'throwing', 'hanging'] as const

/** Where a call goes, and so whether the session may go with it. */
export type Target = keyof typeof TARGETS

/** What is asked of the session. */
export interface CallPlan {
  api?: TransferApi
  method?: 'GET' | 'POST'
  to?: Target
  /** How the body of the answer is wanted. */
  body?: 'json' | 'text' | 'arraybuffer'
  style?: Style
  isThrowing?: boolean
  session?: ObservedCall['session']
}

/** A mini program on its phone, its server, and its time. Everything in it is the same for the same seed. */
export interface World {
  readonly clock: VirtualClock
  readonly phone: Phone
  readonly server: ModelServer
  /** All calls of all runs. */
  readonly calls: readonly ObservedCall[]
  /** What happened that must not, in words. */
  readonly violations: readonly string[]
  call(plan?: CallPlan): ObservedCall
  login(): ObservedCall
  logout(): ObservedCall
  cancelAll(): void
  /** The nth call of those of the program that runs. */
  abort(nth: number): void
  /** Kills the program and starts it again: what it waited for never comes, what it stored is there. */
  restart(): Promise<void>
  /** Runs the clock until all calls have ended, or should have, and looks at how they did. */
  settle(): Promise<void>
  /** Takes all that is wrong away, waits, and sees whether the session is as good as new. */
  recover(): Promise<void>
  /** Gives time, chance and errors back to the process. Must be called. */
  end(): void
}

export function createWorld({
  seed,
  createSession,
  profile = 'userInfo',
  carrier = 'code',
  isOld = false,
  deadline = 60_000,
  loginTimeout = 10_000,
  hasHeaderEvents = true,
  latency = usualLatency,
  isQuick: isAlwaysQuick = false,
  isOdd = false,
}: WorldOptions): World {
  const random = createRandom(seed)
  const violations: string[] = []
  const calls: ObservedCall[] = []
  const violate = (text: string): void => void violations.push(`${clock.now() - began} ms: ${text}`)
  const clock = takeClock({ random: createRandom(seed + 1), onUncaught: (error) => rules.uncaught(error) })
  const began = clock.now()
  const server = createServer(carrier, isOld)
  const rules = createRules({
    clock,
    server,
    phone: () => phone,
    calls,
    deadline,
    isOld,
    loginTimeout,
    isQuick: isAlwaysQuick,
    violate,
  })
  const phone = createPhone({
    clock,
    random,
    server,
    watcher: rules,
    latency: () => (isQuick ? QUICK : latency(random)),
    hasHeaderEvents,
  })
  const realConsole = console.error
  console.error = rules.shown
  let run = 0
  let isQuick = false
  let session = start()

  return {
    clock,
    phone,
    server,
    calls,
    violations,
    call,
    login,
    logout,
    cancelAll,
    abort,
    restart,
    settle,
    recover,
    end,
  }

  function start(): Session {
    run++
    const mine = run
    const wx = phone.start()
    const session = createSession({
      baseUrl: BASE_URL,
      origins: [OTHER_ORIGIN],
      profile: providerOf(profile, server),
      ...(isOld && { protocol: '2016' }),
      deadline,
      loginTimeout,
      wx: isOdd ? oddWx(wx, random, () => phone.sent.at(-1)) : wx,
    })
    session.onChange((isLoggedIn) => {
      if (!isLoggedIn) rules.ended(mine)
      throw THROWN
    })
    return session
  }

  function call({
    api = 'request',
    method = 'GET',
    to = 'relative',
    body = 'json',
    style = 'both',
    isThrowing = false,
    session: plan = 'required',
  }: CallPlan = {}): ObservedCall {
    const verb = api === 'request' ? `${method} ` : ''
    const { at, isOurs } = TARGETS[to]
    const call = observe(`${verb}${api} to ${to}`, style, {
      isOurs,
      session: plan,
      isTerse: api === 'downloadFile',
    })
    const callbacks = style === 'promise' ? {} : listeningCallbacks(call, clock, isThrowing)
    const options = { url: `${at}/n/${call.n}`, session: plan, ...callbacks }
    const task =
      api === 'connectSocket'
        ? session.connectSocket({ ...options, url: socketUrl(options.url) })
        : api === 'request'
          ? session.request({ ...options, ...formatOf(body), method })
          : api === 'uploadFile'
            ? session.uploadFile({ ...options, filePath: 'wxfile://tmp', name: 'file' })
            : session.downloadFile(options)

    call.abort = task.abort
    if (hasHeaderEvents && !isOdd && api !== 'connectSocket') {
      call.hasHeard = false
      task.onHeadersReceived(() => {
        call.hasHeard = true
      })
    }
    if (style !== 'callbacks') listenTo(task, call, clock)
    return call
  }

  function login(): ObservedCall {
    const call = observe('login', 'promise', { isOurs: true, session: 'required', isTerse: false })
    listenTo(session.login(), call, clock)
    return call
  }

  function logout(): ObservedCall {
    const call = observe('logout', 'promise', { isOurs: false, session: 'none', isTerse: false })
    rules.loggingOut(run)
    listenTo(session.logout(), call, clock)
    rules.loggedOut()
    return call
  }

  function observe(
    what: string,
    style: Style,
    kind: Pick<ObservedCall, 'isOurs' | 'session' | 'isTerse'>,
  ): ObservedCall {
    const n = calls.length
    const name = `#${n} ${what}`
    const call = {
      n,
      name,
      run,
      style,
      ...kind,
      startedAt: clock.now(),
      hasHeard: undefined,
      told: [],
      abort: () => {},
    }
    calls.push(call)
    return call
  }

  function cancelAll(): void {
    for (const call of calls) {
      const isRunning = call.run === run && !/logout$/.test(call.name) && endOf(call) === undefined
      if (isRunning) call.ended ??= { as: 'ERR_ABORTED', at: clock.now() }
    }
    session.cancelAll()
  }

  function abort(nth: number): void {
    const mine = calls.filter((call) => call.run === run && 'abort' in call)
    const call = mine[nth % mine.length]
    if (call === undefined) return
    const isAbortable = !/log(in|out)$/.test(call.name)
    if (isAbortable && endOf(call) === undefined) call.ended ??= { as: 'ERR_ABORTED', at: clock.now() }
    call.abort()
  }

  async function restart(): Promise<void> {
    await clock.flush()
    clock.forget()
    session = start()
  }

  async function settle(): Promise<void> {
    const isOver = (): boolean => calls.every((call) => call.run !== run || isSettled(call))
    // Between the first that are due and the last there is a deadline at most, and then some.
    await clock.runUntil(isOver, deadline + 1000)
    // Logins may go on without those who began them, for as long as a call may take.
    await clock.advance(deadline)
    // A handshake that fails late is asked about, which is a call of its own.
    await clock.runUntil(() => phone.running().length === 0, 60_000 + deadline)
    rules.checkCalls(run)
    rules.checkRest()
  }

  async function recover(): Promise<void> {
    phone.heal()
    isQuick = true
    server.faults.clear()
    await clock.advance(REST)
    const probe = call({ style: 'promise' })
    await clock.runUntil(() => isSettled(probe), deadline)
    const end = endOf(probe)
    if (!end?.isSuccess) violate(`not recovered ${REST} ms after all was well: ${end?.value ?? 'no answer'}`)
  }

  function end(): void {
    console.error = realConsole
    clock.release()
  }
}

/** ms after which nothing of what was wrong counts any more. */
const REST = 120_000

/** ms for one way, where all is well. */
const QUICK = 20

/** Addresses of each kind. The last ones only look like ours. */
const TARGETS = {
  relative: { at: '', isOurs: true },
  'our origin': { at: BASE_URL, isOurs: true },
  'an allowed origin': { at: OTHER_ORIGIN, isOurs: true },
  elsewhere: { at: 'https://elsewhere.example.org', isOurs: false },
  'our name, longer': { at: `${BASE_URL}.example.org`, isOurs: false },
  'our name as a user': { at: `${BASE_URL}@example.org`, isOurs: false },
  'our name, other port': { at: `${BASE_URL}:8443`, isOurs: false },
  // A backslash is a slash to those who send, so what is before it is the host (url.spec.whatwg.org).
  'our name, backslash': { at: `https://example.org\\@${BASE_URL.slice(8)}`, isOurs: false },
  'our name, unsafe': { at: BASE_URL.replace('https', 'http'), isOurs: false },
} as const

export const TARGET_NAMES = Object.keys(TARGETS) as Target[]

/** Mostly tens of ms, sometimes seconds, and now and then longer than a login may take. */
export function usualLatency(random: () => number): number {
  const luck = random()
  return Math.ceil(luck < 0.8 ? 10 + luck * 300 : luck < 0.97 ? random() * 4000 : random() * 30_000)
}

/** Sockets have addresses of their own. */
function socketUrl(url: string): string {
  return (url.startsWith('/') ? BASE_URL + url : url).replace(/^http/, 'ws')
}

function formatOf(body: 'json' | 'text' | 'arraybuffer'): Record<string, unknown> {
  if (body === 'arraybuffer') return { responseType: 'arraybuffer' }
  return body === 'text' ? { dataType: 'text' } : {}
}

function providerOf(profile: Profile, server: ModelServer): NonNullable<SessionOptions['profile']> {
  switch (profile) {
    case 'userInfo':
    case 'none':
      return profile
    case 'given':
      return async () => server.userInfo()
    case 'missing':
      return async () => undefined
    case 'rejecting':
      return () => Promise.reject(new Error('no profile'))
    case 'throwing':
      return () => {
        throw new Error('no profile')
      }
    case 'hanging':
      return () => new Promise(() => {})
  }
}
