import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import { type Checked, createCheck } from './check.js'
import { printDiagnostics } from './debug.js'
import { WeappSessionError } from './errors.js'
import { createIdentify, handshakeLogin, isHandshake } from './handshake.js'
import { answerLogin, answerLogout, readLoginBody } from './login/login-path.js'
import { type Login, readLogin } from './login/read-login.js'
import { createMiniProgram, type MiniProgram } from './mini-program.js'
import { resolveOptions, type WeappSessionOptions } from './options.js'
import {
  Answer,
  isPreflight,
  needsReissue,
  refuse,
  refuseBareCode,
  refuseLate,
  setAnswer,
} from './respond.js'
import { RequestSession } from './session/request-session.js'
import type { LoadedSession, RequestContext, UserContext } from './session/session.js'
import { SupersededError } from './session/succession.js'
import { TrustedSession } from './session/trusted-session.js'
import type { SessionRecord } from './stores/store.js'
import { withTimeout } from './stores/with-timeout.js'
import type { Faults } from './util/faults.js'
import { isTextUpTo } from './util/json.js'
import { optionError } from './util/option-error.js'
import { warnings } from './util/warn.js'
import { createWechat, type Wechat } from './wechat/api.js'
import type { WxUserInfo } from './wechat/user-info.js'
import { createWireReader, type Wire } from './wire.js'
import { createWitness } from './witness.js'

/** The middleware, and what can be done to sessions from outside a request. */
export interface WeappSession {
  (ctx: RequestContext, next: () => Promise<unknown>): Promise<void>
  /** What to ask WeChat for, beside logins. For the user of a request, see `ctx.$wxSession`. */
  readonly wechat: Wechat
  /**
   * The user of a request that Koa does not serve: the handshake of a socket, or a request to another server. `null` when
   * it carries no credential, or a guest's. It never logs in.
   *
   * @throws {WeappSessionError} a refusal, with the `status` and the `headers` to answer with; during an outage of the
   * store that is ERR_STORE_UNAVAILABLE (503), which logs nobody out
   *
   * @example
   * server.on('upgrade', async (request, socket, head) => {
   *   socket.on('error', () => socket.destroy()) // a client that is gone must not end the process
   *   try {
   *     const user = await session.identify(request)
   *     if (user) return sockets.handleUpgrade(request, socket, head, (webSocket) => welcome(webSocket, user))
   *     socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
   *   } catch (error) {
   *     socket.end(`HTTP/1.1 ${error.status ?? 500} Refused\r\nConnection: close\r\n\r\n`)
   *   }
   * })
   */
  identify(request: IncomingMessage): Promise<WxUserInfo | null>
  /**
   * Ends every session of a user, in every process.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: some may still be alive, call it again
   */
  revoke(openId: string): Promise<void>
  /**
   * Whether logins would work: asks the store whether it can be read and what it is, and WeChat whether it takes the appId and
   * the appSecret. Nothing is used up, no access_token is fetched. For `npx koa-weapp-session doctor`, and for the moment
   * before a server gets requests; not for a health check, which should not depend on WeChat. It never rejects, and takes
   * ten seconds at most.
   *
   * @example
   * const { ok, problems } = await session.check()
   * for (const { code, message, fix } of problems) console.error(code, message, fix)
   */
  check(): Promise<Checked>
  /**
   * Resolves when the store answers: for whoever wants to know before the first request comes. Nobody has to call it,
   * because first requests wait for the connection.
   *
   * @throws {Error} when it has not within `timeout` ms (default 10,000); at once, when that lasts until somebody changes a
   * setting: a wrong password, say. Its `cause` says why
   *
   * @example
   * await session.ready()
   * app.listen(3000)
   */
  ready(options?: { timeout?: number }): Promise<void>
  /** Closes what the store has opened. */
  close(): Promise<void>
}

/**
 * Gives each request its WeChat user: `ctx.$wxUserInfo` and `ctx.$wxSession`, or `null` for a request without a
 * credential. A credential that is not good is refused, and the request goes no further.
 *
 * @throws {TypeError} at start-up, when an option makes no sense
 *
 * @example
 * const session = weappSession({ appId, appSecret, store: redisStore({ url }) })
 * app.use(session)
 * app.use((ctx) => { ctx.body = { user: ctx.$wxUserInfo } })
 */
export function weappSession(options: WeappSessionOptions): WeappSession {
  const resolved = resolveOptions(options)
  printDiagnostics()
  const { apps, appIdOf, carrier, trust, ignore, onLogin, loginPath, logoutPath, checkLoginOrigin } = resolved
  const { legacyStatus } = resolved
  const faults: Faults = {}
  const store = withTimeout(resolved.store, faults)
  const programs = new Map(
    Object.entries(apps).map(([appId, appSecret]) => [
      appId,
      // Warnings of its own: what is said once is said once of each.
      createMiniProgram({ appId, appSecret, carrier, store, warn: warnings(), faults }, resolved),
    ]),
  )
  const witness = createWitness({
    ...{ programs, carrier: carrier.kind, prefix: resolved.headers, store, faults },
  })
  const isIssuing = carrier.credential === 'issued'
  const readWire = createWireReader(resolved.headers)
  const unspoken = readWire({})
  const refusalStatus = legacyStatus ? 200 : undefined
  const [onlyProgram] = programs.size === 1 ? programs.values() : []

  async function weappSession(received: RequestContext, next: () => Promise<unknown>): Promise<void> {
    // Whichever framework made it, it is Koa's.
    const ctx = received as Context
    attach(ctx, undefined)
    const answer = setAnswer(ctx, createAnswer(ctx))
    if (isPreflight(ctx) || (ignore && (await ignore(ctx)))) return void (await next())

    const began = witness.isHeard() ? performance.now() : 0
    if (began) witness.begun(ctx.req)
    let session: RequestSession | TrustedSession | undefined
    try {
      answer.wire = readWire(ctx.req.headers)
      const request = { ctx, answer, program: onlyProgram ?? (await programOf(ctx)) }
      if (isPost(ctx, logoutPath)) return await logOut(request)
      session = await identify(request)
      if (began) {
        const isLogin = answer.wire.isLogin || isPost(ctx, loginPath)
        witness.identified({ program: request.program, session, isLogin }, performance.now() - began)
      }
    } catch (error) {
      return refuse(ctx, error)
    }
    attach(ctx, session)

    try {
      if (isPost(ctx, loginPath)) answerLogin(ctx, answer.field)
      else await next()
    } catch (error) {
      // A handler's error is the handler's, and leaves the session as it was.
      if (error instanceof WeappSessionError) answer.refuse(error)
      throw error
    } finally {
      if (began) witness.handled()
    }

    try {
      await session?.finish(ctx.res)
    } catch (error) {
      refuseLate(ctx, answer, error)
    }
  }

  function createAnswer(ctx: Context): Answer {
    return new Answer(ctx.res, { carrier, wire: unspoken, refusalStatus, isHandshake: isHandshake(ctx) })
  }

  /** Who makes a request: by a login, by the word of the platform, by a credential; or nobody. */
  async function identify(request: Request): Promise<RequestSession | TrustedSession | undefined> {
    const { ctx, program } = request
    const login = isPost(ctx, loginPath) ? await readLoginAtPath(ctx) : readLoginHeaders(request)
    if (login) return logIn(request, login)
    const trusted = trust?.read(ctx.req)
    if (trusted)
      return new TrustedSession(trusted, programs.get(trusted.appId)?.wechat, () => attach(ctx, undefined))
    const found = await recognise(request)
    if (found) return open(request, found)
    return program && carrier.anonymous ? open(request, undefined) : undefined
  }

  async function programOf(ctx: Context): Promise<MiniProgram | undefined> {
    return onlyProgram ?? programs.get((await appIdOf(ctx)) ?? '')
  }

  function readLoginAtPath(ctx: Context): Promise<Login> {
    if (carrier.ambient) checkLoginOrigin(ctx)
    return readLoginBody(ctx)
  }

  function readLoginHeaders({ ctx, answer: { wire } }: Request): Login | undefined {
    if (!wire.isLogin) return undefined
    // Before the code is spent.
    if (isHandshake(ctx)) throw handshakeLogin()
    return readLogin(ctx.req, wire)
  }

  /** The session that a request carries the credential of. A client that needs the credential once more gets it. */
  async function recognise(request: Request): Promise<LoadedSession | undefined> {
    const { ctx, answer, program } = request
    try {
      const found = await findSession(ctx.req, answer.wire, program)
      if (found && isIssuing && needsReissue(carrier, found.presented, found.loaded))
        await answer.give(found.loaded)
      return found?.loaded
    } catch (error) {
      return forget(request, error)
    }
  }

  async function findSession(request: IncomingMessage, wire: Wire, program: MiniProgram | undefined) {
    const read = carrier.read(request, wire, program?.appId ?? '')
    const presented = read instanceof Promise ? await read : read
    if (!presented) return refuseBareCode(carrier, request, wire)
    const { sessions } = requireProgram(program)
    return { presented, loaded: sessions.peek(presented) ?? (await sessions.find(presented)) }
  }

  /**
   * Takes back a credential that is no good. Who sends it by themselves cannot be told to log in again: with `anonymous`,
   * they are a guest from now on.
   */
  function forget({ ctx, answer }: Request, error: unknown): undefined {
    if (!isExpired(error)) throw error
    // The client has a newer one, or its answer is on the way: to take that back would log the user out.
    if (error instanceof SupersededError) throw error
    answer.takeBack()
    if (!carrier.ambient || !carrier.anonymous || ctx.req.headers[answer.wire.keys.code]) throw error
    answer.requireLogin()
  }

  async function logIn(request: Request, login: Login): Promise<RequestSession> {
    const { answer } = request
    const program = requireProgram(request.program)
    // Before the code is spent.
    if (isIssuing && !carrier.issue)
      throw new TypeError(`koa-weapp-session: ${carrier.kind}Carrier() cannot log in`)
    const previous = await sessionBefore(request, program)
    const loggedIn = await program.logIn(login, previous, (draft) => welcome(request, draft))
    if (isIssuing) await answer.give(loggedIn)
    answer.acceptLogin()
    return open(request, loggedIn, { isNew: loggedIn.isNew })
  }

  /** Ends the session of whoever asks for that. Who has none is logged out already. */
  async function logOut(request: Request): Promise<void> {
    const { ctx, answer, program } = request
    if (carrier.ambient) checkLoginOrigin(ctx)
    const presented = await carrier.read(ctx.req, answer.wire, program?.appId ?? '')
    if (presented) await endAs(request, presented.credential)
    answerLogout(ctx)
  }

  async function endAs(request: Request, credential: string): Promise<void> {
    try {
      const { sessions } = requireProgram(request.program)
      await open(request, await sessions.load(credential)).destroy()
    } catch (error) {
      // Superseded: the session lives under a newer credential, which the client has, or its answer is on the way.
      if (!isExpired(error) || error instanceof SupersededError) throw error
      request.answer.takeBack()
    }
  }

  /** The session that a client has had until its login: a guest's, say. With a credential that is no good it just logs in. */
  async function sessionBefore(
    { ctx, answer }: Request,
    { appId, sessions }: MiniProgram,
  ): Promise<LoadedSession | undefined> {
    // Where the code is the credential, the one that is presented is that of the login.
    if (!isIssuing) return undefined
    try {
      const presented = await carrier.read(ctx.req, answer.wire, appId)
      return presented && (await sessions.load(presented.credential))
    } catch (error) {
      if (error instanceof WeappSessionError && error.status < 500) return undefined
      throw error
    }
  }

  /** Lets the application see a session that is about to be stored, fill its data, or veto it by throwing. */
  async function welcome(request: Request, draft: LoadedSession): Promise<SessionRecord> {
    if (!onLogin) return draft.record
    const session = open(request, draft, { isNew: true, isDraft: true })
    attach(request.ctx, session)
    await onLogin(session.visible, request.ctx as UserContext)
    return session.changed() ?? draft.record
  }

  function open(
    { ctx, answer, program }: Request,
    loaded: LoadedSession | undefined,
    { isNew = !loaded, isDraft = false } = {},
  ): RequestSession {
    const onEnd = () => {
      attach(ctx, undefined)
      if (!isDraft) answer.takeBack()
    }
    return new RequestSession(requireProgram(program), loaded, { answer, isNew, isDraft, onEnd })
  }

  return Object.assign(weappSession, {
    wechat: createWechat(new Map([...programs].map(([appId, { wechat }]) => [appId, wechat]))),
    identify: createIdentify({ trust, readWire, programOf, findSession }),
    async revoke(openId: string) {
      if (!isTextUpTo(OPEN_ID_MAX, openId)) throw optionError('revoke() needs an openId')
      await Promise.all([...programs.values()].map((program) => program.revoke(openId)))
    },
    check: createCheck(resolved),
    ready: store.answers,
    async close() {
      await store.close?.()
    },
  })
}

/** A request, its answer, and the mini program that it is of. */
interface Request {
  ctx: Context
  answer: Answer
  program: MiniProgram | undefined
}

/** A POST on a path that is only for that. */
function isPost(ctx: Context, path: string | undefined): boolean {
  return path !== undefined && ctx.path === path && ctx.method === 'POST'
}

function isExpired(error: unknown): error is WeappSessionError {
  return error instanceof WeappSessionError && error.reason === 'ERR_SESSION_EXPIRED'
}

/** Characters. WeChat's have 28; longer values are no openIds, and are not hashed. */
const OPEN_ID_MAX = 256

function attach(ctx: Context, session: RequestSession | TrustedSession | undefined): void {
  ctx.$wxUserInfo = session?.user ?? null
  ctx.$wxSession = session?.visible ?? null
}

/** @throws {WeappSessionError} ERR_BAD_REQUEST for a credential of a mini program that is none of ours */
function requireProgram(program: MiniProgram | undefined): MiniProgram {
  if (program) return program
  throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'This is no mini program of this server.' })
}
