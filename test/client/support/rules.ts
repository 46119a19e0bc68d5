import { MAGIC_ID } from '../../../src/protocol.js'
import { isAccepted, isOurs, type ModelServer, ourHeader } from './model-server.js'
import { credentialGiven } from './model-sessions.js'
import { type End, type Ended, endOf, isSettled, type ObservedCall, THROWN } from './observed-call.js'
import type { VirtualClock } from './virtual-clock.js'
import type { LoginSent, Phone, Sent, Watcher } from './virtual-phone.js'

/** What must never happen, whatever happens. */
export interface Rules extends Watcher {
  /** Looks at what the client wants nobody to catch. */
  uncaught(error: unknown): void
  /** Looks at what the client shows on the console. */
  shown(error: unknown): void
  /** The client says that its session is over. */
  ended(run: number): void
  /** The user logs out now: what they had must not be used again, and what they began must fail. */
  loggingOut(run: number): void
  /** The user has logged out. */
  loggedOut(): void
  /** Looks at how all calls ended: those of this run must have. */
  checkCalls(run: number): void
  /** Looks at what is left when all calls have ended. */
  checkRest(): void
}

interface Situation {
  clock: VirtualClock
  server: ModelServer
  /** Known a little later than the rules. */
  phone(): Phone
  calls: readonly ObservedCall[]
  deadline: number
  /** Whether the server is that of 2016, whose logins are accepted by any answer below 500. */
  isOld: boolean
  loginTimeout: number
  /** Whether every answer comes so soon that a client can wait for it. */
  isQuick: boolean
  violate(text: string): void
}

/** ms that a call may need from an abort or a logout to its end. */
const AT_ONCE = 50

/** ms for which others wait for the answer to a login: then its code is shared. */
const PATIENCE = 6000

/** ms: WeChat's codes live for five minutes. */
const CODE_LIFE = 300_000

/** Times that one call may be sent, whatever the server says. */
const MAX_SENDS = 10

export function createRules(situation: Situation): Rules {
  const { clock, server, phone, calls, deadline, isOld, loginTimeout, isQuick, violate } = situation
  /** Codes, and when they were given out. */
  const issued = new Map<string, number>()
  const offered = new Map<string, number>()
  /** When they were offered first. */
  const offeredAt = new Map<string, number>()
  /** Codes that something else than the session server has answered, or WeChat's gateway: all calls may carry them. */
  const shared = new Set<string>()
  const accepted = new Set<string>()
  /** Codes of users who left, and the run in which they did: `undefined` forbids them in every run. */
  const forbidden = new Map<string, number | undefined>()
  const sends = new Map<ObservedCall, number>()
  /** Credentials that a client was given, in the run in which it was. */
  const held = new Map<string, number>()
  /** Those that it was given another for, in the run in which it was. */
  const replaced = new Map<string, number>()
  /** Those that the server has refused. */
  const refused = new Set<string>()
  /** The login of the latest session. */
  let latest: string | undefined
  let isLoggingOut = false

  return {
    login,
    code,
    send,
    answer,
    threw,
    uncaught,
    shown,
    ended,
    loggingOut,
    loggedOut,
    checkCalls,
    checkRest,
  }

  /**
   * One `wx.login` at a time. It is on its way until it calls back or until `loginTimeout` has passed since it
   * began: WeChat cannot abort it, so that is when a client gives it up. Nothing else does, a logout neither:
   * a second login beside the first may change the key that the first one's user info is signed with.
   */
  function login(login: LoginSent): void {
    const isRival = (other: LoginSent): boolean =>
      other !== login && other.run === login.run && !other.isOver && clock.now() < other.at + loginTimeout
    if (phone().logins.some(isRival)) violate('two wx.login at once')
  }

  function code(code: string): void {
    issued.set(code, Date.now())
  }

  function send(sent: Sent): void {
    checkCall(sent)
    if (!isOurs(sent.url)) {
      const named = Object.keys(sent.header).filter((name) =>
        /^((weapp|x-wx)-.*|authorization|cookie)$/i.test(name),
      )
      if (named.length > 0) violate(`${named.join()} sent to ${sent.url}`)
      return
    }
    const { session = 'required' } = calls.find(({ n }) => n === callOf(sent.url)) ?? {}
    const isBare = sent.code === undefined
    if (session === 'none' && !isBare) violate(`${describe(sent)} carries ${sent.code}`)
    if (session !== 'required' && isBare) return
    const { code = 'none' } = sent
    if (!issued.has(code)) violate(`${describe(sent)} carries ${code}, which is no code`)
    if (isForbidden(code, sent.run)) violate(`${describe(sent)} carries ${code} after the logout`)
    if (replaced.get(code) === sent.run) violate(`${describe(sent)} carries ${code}, which was replaced`)
    if (sent.isLogin) checkLogin(sent, code)
    else if (!accepted.has(code)) violate(`${describe(sent)} carries ${code} before the server accepted it`)
  }

  /**
   * One login-carrying request at a time, and each code once; unless something else has answered it. It is on its way until its success or fail is called, or until the
   * client aborts it: that is how a client gives up a request, be it slow or hung.
   */
  function checkLogin(sent: Sent, code: string): void {
    const rival = phone()
      .running()
      .find((other) => other !== sent && other.isLogin && !other.isStuck && !isShared(other.code ?? ''))
    if (rival !== undefined) violate(`${describe(sent)} carries a login beside ${describe(rival)}`)

    // What has not left the phone's side of the gateway is still to be offered.
    if (sent.isStopped) shared.add(code)
    const times = (offered.get(code) ?? 0) + (sent.isStopped ? 0 : 1)
    offered.set(code, times)
    offeredAt.set(code, offeredAt.get(code) ?? clock.now())
    if (times > 1 && (!isShared(code) || refused.has(code))) violate(`${code} offered ${times} times`)
    if (Date.now() - (issued.get(code) ?? 0) > CODE_LIFE) violate(`${code} offered when it was too old`)
  }

  /** Whether all calls may carry it. */
  function isShared(code: string): boolean {
    return shared.has(code) || clock.now() >= (offeredAt.get(code) ?? clock.now()) + PATIENCE
  }

  function checkCall(sent: Sent): void {
    const call = calls.find(({ n }) => n === callOf(sent.url))
    // Whether the session of a handshake or a download lives is asked by a request.
    if (call === undefined || (sent.api === 'request' && /connectSocket|downloadFile/.test(call.name))) return
    const times = (sends.get(call) ?? 0) + 1
    sends.set(call, times)
    if (call.ended !== undefined) violate(`${call.name} sent after its ${call.ended.as}`)
    else if (endOf(call) !== undefined) violate(`${call.name} sent after its end`)
    if (times > MAX_SENDS) violate(`${call.name} sent ${times} times`)
  }

  function answer(sent: Sent): void {
    const { answer, isLogin, code } = sent
    learn(sent)
    // A conflict is found after the login.
    const isBelieved =
      answer?.refusal === undefined
        ? isOld && (answer?.status ?? 500) < 500
        : answer.refusal === 'ERR_SESSION_CONFLICT'
    if (!isLogin || code === undefined) return
    if (!(isBelieved || isAccepted(answer?.header ?? {}))) {
      if (answer !== undefined && answer.refusal === undefined) shared.add(code)
      return
    }
    accepted.add(code)
    if (!sent.isAborted) latest = code
  }

  /** What a client knows of credentials from now on, if it listens still. */
  function learn({ run, api, answer, isLogin, isAborted, hasHeader, code = '' }: Sent): void {
    const { refusal, header = {} } = answer ?? {}
    if (refusal !== undefined && refusal !== 'ERR_SESSION_CONFLICT') refused.add(code)
    const credential = credentialGiven(header)
    if (credential === undefined) return
    issued.set(credential, Date.now())
    accepted.add(credential)
    // A handshake that fails tells nothing but that.
    const isHeard = hasHeader && !(api === 'connectSocket' && refusal !== undefined)
    // Of those who share a login, one begins the session.
    const isSibling = isLogin && accepted.has(code)
    if (!isHeard || isAborted || isSibling) return
    held.set(credential, run)
    if (isLogin) latest = code
    else if (loginOf(credential) === latest && credential !== code) replaced.set(code, run)
  }

  function loginOf(credential: string): string | undefined {
    return server.sessions.loginOf(credential)
  }

  function ended(run: number): void {
    if (isLoggingOut) return
    const coming = isQuick ? phone().running().map(comingTo) : []
    // Of many that come at once a client need not try all.
    const known = [...held]
      .flatMap(([credential, heldIn]) => (heldIn === run ? [credential] : []))
      .slice(-2)
      .filter((credential) => !replaced.has(credential))
    const good = [...known, ...coming].find((credential = '') => {
      return server.sessions.has(credential) && !refused.has(credential) && loginOf(credential) === latest
    })
    if (good !== undefined) violate(`the session ends although ${good} is good`)
  }

  function threw(error: unknown): void {
    violate(`thrown into wx: ${text(error)}`)
  }

  function uncaught(error: unknown): void {
    violate(`uncaught: ${text(error)}`)
  }

  function shown(error: unknown): void {
    if (error !== THROWN) violate(`console.error: ${text(error)}`)
  }

  function loggingOut(run: number): void {
    isLoggingOut = true
    // What cannot be taken out of the storage is found there at the next start.
    const isKept = phone().faults.has('storage throws')
    for (const code of issued.keys())
      if (!isForbidden(code, run)) forbidden.set(code, isKept ? run : undefined)
    for (const call of calls) {
      // What can do without may go out so, and is not his then.
      const isBare = call.session === 'optional' && lastOf(call)?.code === undefined
      const isHis = call.run === run && call.isOurs && call.session !== 'none' && !isBare
      if (isHis && endOf(call) === undefined) call.ended ??= { as: 'ERR_LOGGED_OUT', at: clock.now() }
    }
  }

  function loggedOut(): void {
    isLoggingOut = false
    const kept = [...phone().storage.values()].join()
    const isReachable = !phone().faults.has('storage throws')
    if (isReachable && /(code|made)-\d/.test(kept)) violate(`kept after the logout: ${kept}`)
  }

  function isForbidden(code: string, run: number): boolean {
    return [code, loginOf(code) ?? code].some((name) => {
      return forbidden.has(name) && [undefined, run].includes(forbidden.get(name))
    })
  }

  function checkCalls(run: number): void {
    // Those of a run that was killed may not have ended; but if they have, then well.
    for (const call of calls) if (call.run === run || isSettled(call)) checkEnd(call)
    for (const [url, times] of server.carriedOut) {
      const isRepeatable = phone().sent.every((sent) => sent.url !== url || sent.method === 'GET')
      if (times > 1 && !isRepeatable) violate(`${url} carried out ${times} times`)
    }
  }

  function checkEnd(call: ObservedCall): void {
    const end = endOf(call)
    if (end === undefined || !isSettled(call)) {
      violate(
        `${call.name} never settles, was told: ${call.told.map(({ what }) => what).join() || 'nothing'}`,
      )
      return
    }
    checkTold(call, end)
    if (end.at > call.startedAt + deadline) violate(`${call.name} took ${end.at - call.startedAt} ms`)

    // Who has only a promise hears a few steps later: an end of the same ms may have been on its way already.
    const wasFirst = call.style === 'promise' && end.at === call.ended?.at
    const ended = wasFirst ? undefined : call.ended
    if (end.isSuccess) checkSuccess(call, end.value, ended)
    else checkFailure(call, end, wasFirst ? undefined : (ended ?? 'nobody'))
  }

  /** Everybody once, in order, at the same time, and of the same end. */
  function checkTold({ name, told, style }: ObservedCall, end: End): void {
    const whats = told.map(({ what }) => what)
    const callbacks = whats.filter((what) => what !== 'resolved' && what !== 'rejected').join()
    const expected = style === 'promise' ? '' : `${end.isSuccess ? 'success' : 'fail'},complete`
    if (callbacks !== expected) violate(`${name} calls back ${callbacks || 'nobody'}, not ${expected}`)
    if (style !== 'callbacks' && !whats.includes(end.isSuccess ? 'resolved' : 'rejected')) {
      violate(`${name} tells its promise otherwise: ${whats.join()}`)
    }
    if (told.some(({ at, value }) => at !== end.at || value !== end.value)) {
      violate(`${name} tells some another end, or at another time`)
    }
  }

  function checkSuccess(call: ObservedCall, value: unknown, ended: Ended | undefined): void {
    const { name, isOurs, isTerse, hasHeard } = call
    const isBare = call.session !== 'required' && lastOf(call)?.code === undefined
    if (ended !== undefined) violate(`${name} succeeds after its ${ended.as}`)
    if (hasHeard === false) violate(`${name} succeeds, and nobody heard of its headers`)
    // Without a session, it is the answer.
    if (isBare) return
    if (isRefusal(call, value)) violate(`${name} succeeds with a refusal`)
    if (isTerse && isOurs && isVisibleRefusal(call)) violate(`${name} succeeds with a refusal`)
  }

  function lastOf({ n }: ObservedCall): Sent | undefined {
    return phone().sent.findLast(({ url }) => callOf(url) === n)
  }

  /**
   * Whether a download could have been known for a refusal: by a header, which its task hears of, or else by what a
   * request to the same place was told, which is asked after a first 401.
   */
  function isVisibleRefusal(call: ObservedCall): boolean {
    const ofCall = phone().sent.filter(({ url }) => callOf(url) === call.n)
    const {
      refusal,
      status,
      header = {},
    } = ofCall.findLast(({ api }) => api === 'downloadFile')?.answer ?? {}
    if (refusal === undefined) return false
    const isFirst = (sends.get(call) ?? 0) < 2
    const isTold = ofCall.some(({ api, answer }) => {
      return api === 'request' && /EXPIRED|LOGIN_REQUIRED/.test(answer?.refusal ?? '')
    })
    return call.hasHeard === undefined
      ? status === 401 && isFirst && isTold
      : ourHeader(header, 'error') !== undefined
  }

  /** `ended` is who must have been the cause, if that is known. */
  function checkFailure(
    { name, session }: ObservedCall,
    { at, value }: End,
    ended: Ended | 'nobody' | undefined,
  ): void {
    const { name: kind, code } = Object(value) as { name?: unknown; code?: unknown }
    if (!(value instanceof Error) || kind !== 'SessionError') violate(`${name} fails with ${text(value)}`)
    if (ended === 'nobody') {
      const isMade = code === 'ERR_ABORTED' || (code === 'ERR_LOGGED_OUT' && session !== 'optional')
      if (isMade) violate(`${name} fails with ${code}, and nobody did that`)
    } else if (ended !== undefined) {
      if (code !== ended.as) violate(`${name} fails with ${text(code)}, not ${ended.as}`)
      if (at > ended.at + AT_ONCE) violate(`${name} was late to fail with ${ended.as}`)
    }
  }

  function checkRest(): void {
    for (const sent of phone().running()) if (!sent.isStuck) violate(`${describe(sent)} was left running`)
  }
}

/** The credential that is on its way to who sent this, and will be heard of. */
function comingTo({ coming, hasHeader }: Sent): string | undefined {
  return hasHeader ? credentialGiven(coming?.header ?? {}) : undefined
}

/** The number of the call that an address belongs to. */
function callOf(url: string): number {
  return Number(/\/n\/(\d+)/.exec(url)?.[1])
}

function describe({ api, method, url, isLogin }: Sent): string {
  return `${isLogin ? 'login ' : ''}${api} ${method} ${url}`
}

/** Whether a caller was given a refusal for an answer. */
function isRefusal({ isOurs }: ObservedCall, value: unknown): boolean {
  const { data } = (value ?? {}) as { data?: unknown }
  if (!isOurs) return false
  const body = data instanceof ArrayBuffer ? new TextDecoder().decode(data) : data
  return (typeof body === 'string' ? body : (JSON.stringify(body) ?? '')).includes(`"${MAGIC_ID}":`)
}

function text(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : (JSON.stringify(error) ?? String(error))
}
