import type { Context, Middleware } from 'koa'
import type { Presented } from './carriers/carrier.js'
import { printDiagnostics } from './debug.js'
import { give, heldBy, keepFromCaches, owed } from './delivery.js'
import { WeappSessionError } from './errors.js'
import { answerLogin, isLoginPath, readLoginBody } from './login/login-path.js'
import { type Login, readLogin } from './login/read-login.js'
import { type Program, program, programOf } from './mini-program.js'
import { settle, type WeappSessionOptions } from './options.js'
import { refuse, useLegacyStatus } from './refusal.js'
import type { FoundSession, OpenSession } from './session/session.js'
import type { SessionRecord } from './stores/store.js'
import { guarded } from './stores/with-timeout.js'
import { isTextUpTo } from './util/fields.js'
import { onceThere } from './util/once-there.js'
import { mistake } from './util/option-error.js'
import { warnings } from './util/warn.js'
import { type Wechat, wechatOf } from './wechat/api.js'

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
  /** Lets go of what the store has opened. */
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
  const settled = settle(options)
  printDiagnostics()
  const { apps, appIdOf, carrier, ignore, onLogin, loginPath, loginOrigins, legacyStatus } = settled
  const warn = warnings()
  const store = guarded(settled.store, warn.rarely)
  const programs = new Map(
    Object.entries(apps).map(([appId, appSecret]) => [
      appId,
      // Warnings of its own: what is said once is said once of each.
      program({ appId, appSecret, carrier, store, warn: warnings() }, settled),
    ]),
  )
  const programFor = programOf(programs, appIdOf)

  async function weappSession(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    attach(ctx, undefined)
    if (legacyStatus) useLegacyStatus(ctx)
    if (ignore(ctx)) return void (await next())

    let request: Identified
    let due: FoundSession | undefined
    try {
      const identified = identify(ctx)
      request = identified instanceof Promise ? await identified : identified
      due = owed(carrier, request.session, request.held)
      if (due) await give(ctx, carrier, due)
    } catch (error) {
      return refuse(ctx, error)
    }
    const { session, held } = request
    attach(ctx, session)

    // In no try: a handler's error is the handler's, and leaves the session as it was.
    if (isLoginPath(ctx, loginPath)) answerLogin(ctx)
    else await next()

    if (session?.isTouched()) await save(ctx, session)
    // With a refusal too: the credential that the client has may be over.
    const late = owed(carrier, session, due ? due.credential : held)
    if (late) await give(ctx, carrier, late)
    else if (due || (session && !ctx.$wxSession)) keepFromCaches(ctx)
  }

  async function save(ctx: Context, session: OpenSession): Promise<void> {
    try {
      await session.save()
    } catch (error) {
      refuse(ctx, error)
    }
  }

  function identify(ctx: Context): Identified | Promise<Identified> {
    const login = isLoginPath(ctx, loginPath) ? readLoginAtPath(ctx) : readLogin(ctx.req)
    return onceThere(login, (login) => {
      const program = programFor(ctx)
      if (login) return logIn(ctx, known(program), login)
      const presented = carrier.read(ctx, program?.appId ?? '')
      return onceThere(presented, (presented) =>
        presented ? recognise(ctx, known(program), presented) : guest(ctx, program),
      )
    })
  }

  function readLoginAtPath(ctx: Context): Promise<Login> {
    if (carrier.ambient) loginOrigins.check(ctx)
    return readLoginBody(ctx)
  }

  function recognise(ctx: Context, program: Program, presented: Presented): Identified | Promise<Identified> {
    return onceThere(program.find(presented), (found) => ({
      session: program.open(found, { isNew: false, onEnd: () => left(ctx) }),
      held: heldBy(carrier, presented, found),
    }))
  }

  function guest(ctx: Context, program: Program | undefined): Identified {
    if (!carrier.anonymous) return NOBODY
    return { session: program?.open(undefined, { isNew: true, onEnd: () => left(ctx) }), held: undefined }
  }

  async function logIn(ctx: Context, program: Program, login: Login): Promise<Identified> {
    const previous = await sessionBefore(ctx, program)
    const guest = previous?.record.user === null ? previous : undefined
    const found = await program.logIn(login, guest, (draft) => welcome(ctx, program, draft))
    if (found.isNew && previous && !guest) await program.end(previous).catch(() => {})
    const session = program.open(found, { isNew: found.isNew, onEnd: () => left(ctx) })
    return { session, held: undefined }
  }

  /** The session that a client has had until its login: a guest's, say. With one that is no good it just logs in. */
  async function sessionBefore(ctx: Context, program: Program): Promise<FoundSession | undefined> {
    // Where the code is the credential, the one that is presented is that of the login.
    if (!carrier.give) return undefined
    try {
      const presented = await carrier.read(ctx, program.appId)
      return presented && (await program.find({ credential: presented.credential }))
    } catch (error) {
      if (error instanceof WeappSessionError && error.status < 500) return undefined
      throw error
    }
  }

  /** Lets the application see a session that is about to be stored, fill its data, or veto it by throwing. */
  async function welcome(ctx: Context, program: Program, draft: FoundSession): Promise<SessionRecord> {
    if (!onLogin) return draft.record
    const session = program.open(draft, { isNew: true, isDraft: true, onEnd: () => left(ctx) })
    attach(ctx, session)
    await onLogin(session.visible, ctx)
    return session.changed() ?? draft.record
  }

  /** What a session does to its request when it ends. */
  function left(ctx: Context): void {
    attach(ctx, undefined)
    carrier.take?.(ctx)
  }

  return Object.assign(weappSession, {
    wechat: wechatOf(new Map([...programs].map(([appId, { wechat }]) => [appId, wechat]))),
    async revoke(openId: string) {
      if (!isTextUpTo(OPEN_ID_MAX, openId)) throw mistake('revoke() needs an openId')
      await Promise.all([...programs.values()].map((program) => program.revoke(openId)))
    },
    async close() {
      await store.close?.()
    },
  })
}

/** Who makes a request, and the credential that they have. */
interface Identified {
  session: OpenSession | undefined
  held: string | undefined
}

/** Characters. WeChat's have 28; what is longer is somebody's joke, and is not worth a hash. */
const OPEN_ID_MAX = 256

const NOBODY: Identified = { session: undefined, held: undefined }

function attach(ctx: Context, session: OpenSession | undefined): void {
  ctx.$wxUserInfo = session?.user ?? null
  ctx.$wxSession = session?.visible ?? null
}

/** @throws {WeappSessionError} ERR_BAD_REQUEST for a credential of a mini program that is none of ours */
function known(program: Program | undefined): Program {
  if (program) return program
  throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'This is no mini program of this server.' })
}
