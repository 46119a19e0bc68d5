import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Wechat } from '../../../simulator/src/index.js'
import { until } from '../until.js'
import { codeOnly, loginHeaders } from '../wechat.js'
import type { Fleet } from './fleet.js'
import { type Answer, type History, isGood, isUnknown, type Operation } from './history.js'
import { type Choice, type Credential, createHolders, type Holder, type User } from './holders.js'
import { type Response, request } from './request.js'

/** A few users with their phones, before servers that others have used before and will use after. */
export interface World {
  readonly history: History
  readonly users: readonly User[]
  /** A credential that somebody holds; none, as long as nobody does. */
  choose(choice: Choice): Credential | undefined
  chooseGuest(choice: Choice): Credential | undefined
  /** A new code for one of the phones, or for one of this user's. */
  newCode(phone: number, user?: User): Promise<Holder>
  /** These begin, and resolve when they have: nobody waits for the answers. */
  login(holder: Holder, server: number, withProfile: boolean, guest?: Credential): Promise<Begun>
  read(credential: Credential, server: number): Promise<Begun>
  write(credential: Credential, server: number, ms: number): Promise<Begun>
  rotate(credential: Credential, server: number): Promise<Begun>
  logout(credential: Credential, server: number): Promise<Begun>
  revoke(user: User, server: number): Promise<Begun>
  /** The first write of somebody who has no credential. */
  writeAsGuest(phone: number, server: number, ms: number): Promise<Begun>
  /** When all of these have an answer, asks for a session once more, at some server, under all that it was given. */
  follow(begun: Begun[], holder: Holder, server: number): void
  /** The last of a user who have logged in, or tried to. */
  lastOf(user: User): Holder | undefined
  /** Logs in at one server and, with the same code, at another; logs out there, and asks the first again. */
  chase(holder: Holder, server: number, other: number): Promise<void>
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

/** An operation that is on its way, and the moment at which it is over. */
export interface Begun {
  operation: Operation
  end: Promise<void>
}

export interface WorldOptions {
  fleet: Fleet
  wechat: Wechat
  /** Goes behind the names of users. */
  suffix: string
  /** Whether a code is the credential of its session. */
  isCodeTheCredential: boolean
}

/** Few, so that everything happens to the same sessions. */
const USERS = ['alice', 'bob', 'carol', 'dave']
const PHONES_EACH = 3

export function createWorld({ fleet, wechat, suffix, isCodeTheCredential }: WorldOptions): World {
  const began = performance.timeOrigin + performance.now()
  const callsBefore = wechat.calls.length
  const history: History = {
    operations: [],
    exchanges: [],
    happenings: [],
    deaths: new Map(),
    breaks: [],
    censuses: [],
  }
  const users = USERS.map((user) => makeUser(`${user}${suffix}`))
  const phones = users.flatMap((user) => user.phones.map((phone) => ({ user, phone })))
  const holders = createHolders(isCodeTheCredential)
  const names = new Map<string, string>()
  const inFlight = new Set<Promise<void>>()
  const delays = new Set<Promise<void>>()
  const withdrawals: (() => void)[] = []
  let tokens = 0

  return {
    history,
    users,
    choose: holders.choose,
    chooseGuest: (choice) => holders.choose(choice, ({ login }) => !login),
    newCode,
    login,
    read,
    write,
    rotate,
    logout,
    revoke,
    writeAsGuest,
    follow,
    lastOf: (user) => holders.all.findLast((holder) => holder.login && holder.user === user),
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

  async function newCode(nth: number, user?: User): Promise<Holder> {
    const eligible = user ? phones.filter((phone) => phone.user === user) : phones
    const owned = eligible[nth % eligible.length] as (typeof phones)[number]
    const headers = await loginHeaders(owned.phone)
    const holder = holders.add(owned.user, headers)
    names.set(headers['X-WX-Code'] ?? '', holder.name)
    return holder
  }

  function login(holder: Holder, nth: number, withProfile: boolean, guest?: Credential): Promise<Begun> {
    const { name, user, login = {} } = holder
    const headers = withProfile ? login : { ...codeOnly(login), 'X-WX-Login': 'code' }
    const how = withProfile ? 'with profile' : ''
    const asked = {
      what: 'login',
      user: user.name,
      session: name,
      ...(guest && { guest: guest.name }),
      how,
    } as const
    return begin(asked, holder, nth, '/', { ...headers, ...guest?.headers })
  }

  function read(credential: Credential, nth: number): Promise<Begun> {
    return present('read', credential, nth, '/')
  }

  function write(credential: Credential, nth: number, ms: number): Promise<Begun> {
    const token = newToken()
    return present('write', credential, nth, `/write?token=${token}&ms=${ms}`, { token, how: `in ${ms} ms` })
  }

  function rotate(credential: Credential, nth: number): Promise<Begun> {
    return present('rotate', credential, nth, '/rotate')
  }

  function logout(credential: Credential, nth: number): Promise<Begun> {
    return present('logout', credential, nth, '/logout')
  }

  function revoke({ name, openId }: User, nth: number): Promise<Begun> {
    return begin({ what: 'revoke', user: name }, undefined, nth, `/revoke?user=${openId}`, {})
  }

  function writeAsGuest(nth: number, server: number, ms: number): Promise<Begun> {
    const { user } = phones[nth % phones.length] as (typeof phones)[number]
    const holder = holders.add(user)
    const token = newToken()
    const asked = { what: 'write', user: user.name, session: holder.name, token, how: `in ${ms} ms` } as const
    return begin(asked, holder, server, `/write?token=${token}&ms=${ms}`, {})
  }

  async function chase(holder: Holder, nth: number, other: number): Promise<void> {
    await login(holder, nth, true)
    const { end } = await login(holder, other, false)
    const chasing = async () => {
      await end
      const credential = holder.credentials.at(-1)
      if (credential) follow([await logout(credential, other)], holder, nth)
    }
    track(chasing())
  }

  /** Asks at once for what has just ended: where a server still believes in it, that is the moment. */
  function follow(begun: Begun[], holder: Holder, nth: number): void {
    const following = async () => {
      await Promise.all(begun.map(({ end }) => end))
      if (holder.login) await login(holder, nth, true)
      for (const credential of holder.credentials) await read(credential, nth)
    }
    track(following())
  }

  function newToken(): string {
    return `w${++tokens}`
  }

  function present(
    what: Operation['what'],
    { name, holder, headers }: Credential,
    nth: number,
    path: string,
    details: Pick<Operation, 'token' | 'how'> = {},
  ): Promise<Begun> {
    const asked = { what, user: holder.user.name, session: holder.name, credential: name, ...details }
    return begin(asked, holder, nth, path, headers)
  }

  async function begin(
    asked: Pick<Operation, 'what' | 'user' | 'session' | 'credential' | 'guest' | 'token' | 'how'>,
    holder: Holder | undefined,
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
    const end = request(server, path, headers).then((response) => {
      operation.to = now()
      if (response) operation.answer = answerOf(response, holder)
      if (response?.status === 401) holders.refuse(asked.credential ?? asked.session ?? '')
    })
    track(end)
    return { operation, end }
  }

  function answerOf({ header, ...answer }: Response, holder: Holder | undefined): Answer {
    return { ...answer, ...(header && holder && { credential: holders.learn(holder, header) }) }
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
    history.breaks.push({ server: server.name, at: now() })
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
    const held = holders.all.flatMap(({ credentials }) => credentials)
    const live = await readAll(held)
    count(live, false)

    for (const user of users) {
      const holder = await newCode(0, user)
      await (await login(holder, holders.all.length, true)).end
      live.push(...holder.credentials)
    }
    await silence()
    count(await readAll(live), true)
    noteExchanges()
  }

  function count(live: Credential[], isAfterLogin: boolean): void {
    for (const user of users) {
      const theirs = live.filter(({ holder }) => holder.user === user).map(({ name }) => name)
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

  /** Asks with each of these; those that are good. */
  async function readAll(credentials: readonly Credential[]): Promise<Credential[]> {
    const reads = await Promise.all(
      credentials.map(async (credential, n) => ({ credential, read: await knownRead(credential, n) })),
    )
    return reads.filter(({ read }) => isGood(read)).map(({ credential }) => credential)
  }

  /** Asks until there is an answer: now that all is well, there must be one soon. */
  async function knownRead(credential: Credential, nth: number): Promise<Operation> {
    let begun = await read(credential, nth)
    await until(async () => {
      await begun.end
      if (!isUnknown(begun.operation)) return true
      begun = await read(credential, nth)
      return false
    })
    return begun.operation
  }
}

/** Looks, 5 ms apart, that must find nothing on its way. */
const QUIET_LOOKS = 10
