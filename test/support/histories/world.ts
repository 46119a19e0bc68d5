import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Phone, Wechat } from '../../../src/simulator/index.js'
import { until } from '../until.js'
import { codeOnly, loginHeaders } from '../wechat.js'
import type { Fleet } from './fleet.js'
import { type History, isGood, isUnknown, type Operation } from './history.js'
import { request } from './request.js'

/** A code, and what its phone sends to log in with it. */
export interface Code {
  name: string
  user: User
  headers: Record<string, string>
}

/** One of the codes: so many ago, of all or of those that nobody has been refused. */
export interface Choice {
  ago: number
  isAny: boolean
}

export interface User {
  name: string
  openId: string
  phones: Phone[]
}

/** A few users with their phones, before servers that others have used before and will use after. */
export interface World {
  readonly history: History
  readonly users: readonly User[]
  /** From the first to the last. */
  readonly codes: readonly Code[]
  code(choice: Choice): Code
  /** A new code for one of the phones. */
  newCode(phone: number): Promise<Code>
  /** These begin, and resolve when they have: nobody waits for the answers. */
  login(code: Code, server: number, withProfile: boolean): Promise<void>
  read(code: Code, server: number): Promise<void>
  write(code: Code, server: number, ms: number): Promise<void>
  /** When these have an answer, the session is asked for once more, `again` at some server. */
  logout(code: Code, server: number, again: number): Promise<void>
  revoke(user: User, server: number, again: number): Promise<void>
  /** Logs in at one server and, with the same code, at another; logs out there, and asks the first again. */
  chase(code: Code, server: number, other: number): Promise<void>
  slowRedis(server: number, ms: number, lasting: number): Promise<void>
  cutRedis(server: number): Promise<void>
  failWechat(fault: Fault, times: number): void
  freeze(server: number, ms: number): void
  kill(server: number): void
  /** Waits until everything that has begun is over. */
  settle(): Promise<void>
  /** Takes all that is wrong away, waits, and looks at what is left of every session. */
  end(): Promise<void>
}

/** Few, so that everything happens to the same sessions. */
const USERS = ['alice', 'bob', 'carol', 'dave']
const PHONES_EACH = 3

export function createWorld(fleet: Fleet, wechat: Wechat, name: string): World {
  const began = performance.timeOrigin + performance.now()
  const callsBefore = wechat.calls.length
  const history: History = {
    operations: [],
    exchanges: [],
    happenings: [],
    deaths: new Map(),
    censuses: [],
  }
  const users = USERS.map((user) => makeUser(`${user}${name}`))
  const phones = users.flatMap((user) => user.phones.map((phone) => ({ user, phone })))
  const codes: Code[] = []
  const refused = new Set<string>()
  const names = new Map<string, string>()
  const inFlight = new Set<Promise<void>>()
  const delays = new Set<Promise<void>>()
  const withdrawals: (() => void)[] = []
  let tokens = 0

  return {
    history,
    users,
    codes,
    code: choose,
    newCode,
    login: async (code, server, withProfile) => void (await login(code, server, withProfile)),
    read: async (code, server) => void (await read(code, server)),
    write,
    logout,
    revoke,
    chase,
    slowRedis,
    cutRedis,
    failWechat,
    freeze,
    kill,
    settle,
    end,
  }

  function makeUser(name: string): User {
    const phones = Array.from({ length: PHONES_EACH }, () => wechat.phone(name))
    // One of them tells the user's name, so that logins have something to add to each other's sessions.
    for (const phone of phones.slice(0, 1)) phone.userInfo = 'named'
    return { name, openId: wechat.user(name).openId, phones }
  }

  function now(): number {
    return performance.timeOrigin + performance.now() - began
  }

  async function newCode(nth: number): Promise<Code> {
    const { user, phone } = phones[nth % phones.length] as (typeof phones)[number]
    const headers = await loginHeaders(phone)
    const code = { name: `c${codes.length + 1}`, user, headers }
    codes.push(code)
    names.set(headers['X-WX-Code'] ?? '', code.name)
    return code
  }

  function choose({ ago, isAny }: Choice): Code {
    const hopeful = codes.filter(({ name }) => !refused.has(name))
    const eligible = isAny || hopeful.length === 0 ? codes : hopeful
    return eligible[eligible.length - 1 - (ago % eligible.length)] as Code
  }

  function login(code: Code, nth: number, withProfile: boolean): Promise<Begun> {
    const headers = withProfile ? code.headers : { ...codeOnly(code.headers), 'X-WX-Login': 'code' }
    const how = withProfile ? 'with profile' : ''
    return begin({ what: 'login', ...of(code), how }, nth, '/', headers)
  }

  function read(code: Code, nth: number): Promise<Begun> {
    return begin({ what: 'read', ...of(code) }, nth, '/', codeOnly(code.headers))
  }

  async function write(code: Code, nth: number, ms: number): Promise<void> {
    const token = `w${++tokens}`
    const path = `/write?token=${token}&ms=${ms}`
    await begin({ what: 'write', ...of(code), token, how: `in ${ms} ms` }, nth, path, codeOnly(code.headers))
  }

  async function logout(code: Code, nth: number, again: number): Promise<void> {
    const { end } = await begin({ what: 'logout', ...of(code) }, nth, '/logout', codeOnly(code.headers))
    follow(end, code, again)
  }

  async function revoke(user: User, nth: number, again: number): Promise<void> {
    const { name, openId } = user
    const { end } = await begin({ what: 'revoke', user: name }, nth, `/revoke?user=${openId}`, {})
    const code = codes.findLast((code) => code.user === user)
    if (code) follow(end, code, again)
  }

  async function chase(code: Code, nth: number, other: number): Promise<void> {
    await login(code, nth, true)
    const { end } = await login(code, other, false)
    const chasing = async () => {
      await end
      await logout(code, other, nth)
    }
    track(chasing())
  }

  /** Asks at once for what has just ended: where a server still believes in it, that is the moment. */
  function follow(end: Promise<void>, code: Code, nth: number): void {
    const following = async () => {
      await end
      await login(code, nth, true)
      await read(code, nth)
    }
    track(following())
  }

  function of({ name, user }: Code): { code: string; user: string } {
    return { code: name, user: user.name }
  }

  async function begin(
    asked: Pick<Operation, 'what' | 'user' | 'code' | 'token' | 'how'>,
    nth: number,
    path: string,
    headers: Record<string, string>,
  ): Promise<Begun> {
    const server = await fleet.server(nth)
    const operation: Operation = {
      n: history.operations.length,
      ...asked,
      server: server.name,
      from: now(),
      to: Number.POSITIVE_INFINITY,
      exchangesBefore: wechat.calls.length - callsBefore,
    }
    history.operations.push(operation)
    const end = request(server, path, headers).then((answer) => {
      operation.to = now()
      if (answer) operation.answer = answer
      if (answer?.status === 401) refused.add(asked.code ?? '')
    })
    track(end)
    return { operation, end }
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => inFlight.delete(tracked))
    inFlight.add(tracked)
  }

  async function slowRedis(nth: number, ms: number, lasting: number): Promise<void> {
    const { name, link } = await fleet.server(nth)
    link.delay = ms
    tell(`Redis is ${ms} ms away from ${name}, for ${lasting} ms`)
    const isOver = sleep(lasting).then(() => {
      link.delay = 0
      delays.delete(isOver)
    })
    delays.add(isOver)
  }

  async function cutRedis(nth: number): Promise<void> {
    const server = await fleet.server(nth)
    server.link.cut()
    tell(`the connection of ${server.name} to Redis breaks`)
  }

  function failWechat(fault: Fault, times: number): void {
    withdrawals.push(wechat.fail(fault, { times, path: '/sns/jscode2session' }))
    tell(`WeChat, ${times} times: ${JSON.stringify(fault)}`)
  }

  function freeze(nth: number, ms: number): void {
    const server = fleet.freeze(nth, ms)
    if (server) tell(`${server.name} is frozen for ${ms} ms`)
  }

  function kill(nth: number): void {
    const server = fleet.kill(nth)
    if (!server) return
    history.deaths.set(server.name, now())
    tell(`${server.name} is killed`)
  }

  function tell(what: string): void {
    history.happenings.push({ at: now(), what })
  }

  async function settle(): Promise<void> {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }

  async function end(): Promise<void> {
    tell('from here on, all is well')
    for (const withdraw of withdrawals) withdraw()
    await Promise.all(delays)
    await fleet.isWell()
    await settle()
    await silence()
    const live = await readAll(codes)
    count(live, false)

    for (const user of users) {
      const phone = phones.findIndex((other) => other.user === user)
      const code = await newCode(phone)
      await (await login(code, phone, true)).end
      live.push(code)
    }
    await silence()
    count(await readAll(live), true)
    noteExchanges()
  }

  function count(live: Code[], isAfterLogin: boolean): void {
    for (const user of users) {
      const theirs = live.filter((code) => code.user === user).map(({ name }) => name)
      history.censuses.push({ at: now(), user: user.name, live: theirs, isAfterLogin })
    }
  }

  function noteExchanges(): void {
    for (const { code = '', at, errcode } of wechat.calls.slice(callsBefore)) {
      const name = names.get(code) ?? 'a code of nobody'
      history.exchanges.push({
        code: name,
        at: at - began,
        ...(errcode !== undefined && { errcode }),
      })
    }
  }

  /** Waits until also what nobody waits for any more has arrived. */
  async function silence(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_LOOKS; quiet++) {
      await sleep(5)
      if (!fleet.links.every((link) => link.isIdle())) quiet = -1
    }
  }

  /** Asks with each of these codes; those whose session lives. */
  async function readAll(codes: readonly Code[]): Promise<Code[]> {
    const reads = await Promise.all(codes.map(async (code, n) => ({ code, read: await knownRead(code, n) })))
    return reads.filter(({ read }) => isGood(read)).map(({ code }) => code)
  }

  /** Asks until there is an answer: now that all is well, there must be one soon. */
  async function knownRead(code: Code, nth: number): Promise<Operation> {
    let begun = await read(code, nth)
    await until(async () => {
      await begun.end
      if (!isUnknown(begun.operation)) return true
      begun = await read(code, nth)
      return false
    })
    return begun.operation
  }
}

/** An operation that is on its way, and the moment at which it is over. */
interface Begun {
  operation: Operation
  end: Promise<void>
}

/** Looks, 5 ms apart, that must find nothing on its way. */
const QUIET_LOOKS = 10
