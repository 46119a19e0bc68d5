import type { Context, Middleware } from 'koa'
import { printDiagnostics } from './debug.js'
import { WeappSessionError } from './errors.js'
import { answerLogin, readLoginBody } from './login/login-path.js'
import { type Login, readLogin } from './login/read-login.js'
import { createMiniProgram, type MiniProgram } from './mini-program.js'
import { resolveOptions, type WeappSessionOptions } from './options.js'
import { credentialOnClient, issue, keepFromCaches, needsIssue, refuse, useLegacyStatus } from './respond.js'
import { RequestSession } from './session/request-session.js'
import type { LoadedSession, PresentedCredential } from './session/session.js'
import type { SessionRecord } from './stores/store.js'
import { withTimeout } from './stores/with-timeout.js'
import { isTextUpTo } from './util/json.js'
import { optionError } from './util/option-error.js'
import { warnings } from './util/warn.js'
import { createWechat, type Wechat } from './wechat/api.js'

/** The middleware, and what can be done to sessions from outside a request. */
export interface WeappSession extends Middleware {
  /** What to ask WeChat for, beside logins. For the user of a request, see `ctx.$wxSession`. */
  readonly wechat: Wechat
  /**
   * Ends every session of a user, in every process.
   *
   * @throws {WeappSessionError} ERR_STORE_UNAVAILABLE: some may still be alive, call it again
   */
  revoke(openId: string): Promise<void>
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
  const { apps, appIdOf, carrier, ignore, onLogin, loginPath, checkLoginOrigin, legacyStatus } = resolved
  const store = withTimeout(resolved.store, warnings())
  const programs = new Map(
    Object.entries(apps).map(([appId, appSecret]) => [
      appId,
      // Warnings of its own: what is said once is said once of each.
      createMiniProgram({ appId, appSecret, carrier, store, warn: warnings() }, resolved),
    ]),
  )
  const isIssuing = carrier.credential === 'issued'
  const [onlyProgram] = programs.size === 1 ? programs.values() : []

  async function weappSession(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    attach(ctx, undefined)
    if (legacyStatus) useLegacyStatus(ctx)
    if (ignore?.(ctx)) return void (await next())

    let identified: Identified
    let issued: LoadedSession | undefined
    try {
      identified = await identify(ctx)
      if (isIssuing) issued = needsIssue(identified.session?.current(), identified.held)
      if (issued) await issue(ctx, carrier, issued)
    } catch (error) {
      return refuse(ctx, error)
    }
    const { session, held } = identified
    attach(ctx, session)

    // In no try: a handler's error is the handler's, and leaves the session as it was.
    if (isLoginPath(ctx)) answerLogin(ctx)
    else await next()

    if (session?.isTouched()) await save(ctx, session)
    // With a refusal too: the credential on the client may be over.
    const changed = isIssuing && needsIssue(session?.current(), issued ? issued.credential : held)
    if (changed) await issue(ctx, carrier, changed)
    else if (issued || (session && !ctx.$wxSession)) keepFromCaches(ctx)
  }

  async function identify(ctx: Context): Promise<Identified> {
    const program = onlyProgram ?? programs.get(appIdOf(ctx) ?? '')
    const login = isLoginPath(ctx) ? await readLoginAtPath(ctx) : readLogin(ctx.req)
    if (login) return logIn(ctx, requireProgram(program), login)

    const read = carrier.read(ctx, program?.appId ?? '')
    const presented = read instanceof Promise ? await read : read
    if (presented) return recognise(ctx, requireProgram(program), presented)
    if (!program || !carrier.anonymous) return NOBODY
    return { session: open(ctx, program, undefined, true), held: undefined }
  }

  /** A POST that logs in with a body, on the path that is only for that. */
  function isLoginPath(ctx: Context): boolean {
    return loginPath !== undefined && ctx.path === loginPath && ctx.method === 'POST'
  }

  async function recognise(
    ctx: Context,
    program: MiniProgram,
    presented: PresentedCredential,
  ): Promise<Identified> {
    const { sessions } = program
    const loaded = sessions.peek(presented) ?? (await sessions.find(presented))
    const held = credentialOnClient(carrier, presented, loaded)
    return { session: open(ctx, program, loaded, false), held }
  }

  function readLoginAtPath(ctx: Context): Promise<Login> {
    if (carrier.ambient) checkLoginOrigin(ctx)
    return readLoginBody(ctx)
  }

  async function logIn(ctx: Context, program: MiniProgram, login: Login): Promise<Identified> {
    const previous = await sessionBefore(ctx, program)
    const guest = previous?.record.user === null ? previous : undefined
    const loggedIn = await program.logIn(login, guest, (draft) => welcome(ctx, program, draft))
    // The login does not fail because the session before it could not be ended: that one expires.
    if (loggedIn.isNew && previous && !guest) await program.sessions.end(previous).catch(() => {})
    return { session: open(ctx, program, loggedIn, loggedIn.isNew), held: undefined }
  }

  /** The session that a client has had until its login: a guest's, say. With a credential that is no good it just logs in. */
  async function sessionBefore(ctx: Context, program: MiniProgram): Promise<LoadedSession | undefined> {
    // Where the code is the credential, the one that is presented is that of the login.
    if (!isIssuing) return undefined
    try {
      const presented = await carrier.read(ctx, program.appId)
      return presented && (await program.sessions.load(presented.credential))
    } catch (error) {
      if (error instanceof WeappSessionError && error.status < 500) return undefined
      throw error
    }
  }

  /** Lets the application see a session that is about to be stored, fill its data, or veto it by throwing. */
  async function welcome(ctx: Context, program: MiniProgram, draft: LoadedSession): Promise<SessionRecord> {
    if (!onLogin) return draft.record
    const session = new RequestSession(program, draft, {
      isNew: true,
      isDraft: true,
      onEnd: () => detach(ctx),
    })
    attach(ctx, session)
    await onLogin(session.visible, ctx)
    return session.changed() ?? draft.record
  }

  async function save(ctx: Context, session: RequestSession): Promise<void> {
    try {
      await session.save()
    } catch (error) {
      refuse(ctx, error)
    }
  }

  function open(
    ctx: Context,
    program: MiniProgram,
    loaded: LoadedSession | undefined,
    isNew: boolean,
  ): RequestSession {
    return new RequestSession(program, loaded, { isNew, onEnd: () => detach(ctx) })
  }

  /** The session of this request has ended. */
  function detach(ctx: Context): void {
    attach(ctx, undefined)
    carrier.clear?.(ctx)
  }

  return Object.assign(weappSession, {
    wechat: createWechat(new Map([...programs].map(([appId, { wechat }]) => [appId, wechat]))),
    async revoke(openId: string) {
      if (!isTextUpTo(OPEN_ID_MAX, openId)) throw optionError('revoke() needs an openId')
      await Promise.all([...programs.values()].map((program) => program.revoke(openId)))
    },
    async close() {
      await store.close?.()
    },
  })
}

/** Who makes a request, and the credential on the client. */
interface Identified {
  session: RequestSession | undefined
  held: string | undefined
}

/** Characters. WeChat's have 28; longer values are no openIds, and are not hashed. */
const OPEN_ID_MAX = 256

const NOBODY: Identified = { session: undefined, held: undefined }

function attach(ctx: Context, session: RequestSession | undefined): void {
  ctx.$wxUserInfo = session?.user ?? null
  ctx.$wxSession = session?.visible ?? null
}

/** @throws {WeappSessionError} ERR_BAD_REQUEST for a credential of a mini program that is none of ours */
function requireProgram(program: MiniProgram | undefined): MiniProgram {
  if (program) return program
  throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'This is no mini program of this server.' })
}
