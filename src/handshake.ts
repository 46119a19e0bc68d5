import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { TrustedSource } from './carriers/cloud-run.js'
import { WeappSessionError } from './errors.js'
import type { MiniProgram } from './mini-program.js'
import type { LoadedSession } from './session/session.js'
import type { WxUserInfo } from './wechat/user-info.js'
import type { Wire } from './wire.js'

export interface HandshakeOptions {
  trust: TrustedSource | undefined
  readWire: (headers: IncomingMessage['headers']) => Wire
  programOf: (ctx: Context) => Promise<MiniProgram | undefined>
  /** The session that a request carries the credential of. */
  findSession: (
    request: IncomingMessage,
    wire: Wire,
    program: MiniProgram | undefined,
  ) => Promise<{ loaded: LoadedSession } | undefined>
}

/**
 * Identifies who makes a request that Koa does not serve: a socket's handshake, or one of another server. It never logs in,
 * because a handshake cannot bring the client the word that its login was accepted.
 */
export function createIdentify(
  options: HandshakeOptions,
): (request: IncomingMessage) => Promise<WxUserInfo | null> {
  const { trust, readWire, programOf, findSession } = options

  return async function identify(request) {
    let wire = readWire({})
    try {
      wire = readWire(request.headers)
      return await findUser(request, wire)
    } catch (error) {
      throw error instanceof WeappSessionError ? error.inNamesOf(wire.names) : error
    }
  }

  async function findUser(request: IncomingMessage, wire: Wire): Promise<WxUserInfo | null> {
    const trusted = trust?.read(request)
    if (trusted && !wire.isLogin) return trusted
    if (wire.isLogin) throw handshakeLogin()
    const found = await findSession(request, wire, await programOf(contextOf(request)))
    const user = found?.loaded.record.user
    return user ? { ...user } : null
  }
}

const HANDSHAKE: unique symbol = Symbol('koa-weapp-session: handshake')

/** From here on, the middleware knows that the answer to this request brings the client nothing: see {@link isHandshake}. */
export function markHandshake(ctx: Context & { [HANDSHAKE]?: boolean }): void {
  ctx[HANDSHAKE] = true
}

/** Whether a request is the handshake of a socket, which a bridge serves. Its client reads no headers. */
export function isHandshake(ctx: Context & { [HANDSHAKE]?: boolean }): boolean {
  return ctx[HANDSHAKE] === true
}

/** What is said to a handshake that would log in. */
export function handshakeLogin(): WeappSessionError {
  return new WeappSessionError('ERR_LOGIN_REQUIRED', { message: NO_LOGIN })
}

/** As much of a context as `appIdOf()` can need. */
function contextOf(req: IncomingMessage): Context {
  const { headers, method, url = '/' } = req
  const get = (name: string) => [headers[name.toLowerCase()] ?? ''].flat().join(', ')
  // What a client sends need not be a URL at all: `//`, say.
  const [, path = '/', search = ''] = /^([^?#]*)(\?[^#]*)?/.exec(url) ?? []
  const query = Object.fromEntries(new URLSearchParams(search))
  return {
    req,
    headers,
    header: headers,
    method,
    url,
    path,
    search,
    query,
    get,
  } as unknown as Context
}

const NO_LOGIN = 'A handshake cannot log in: make a request that does, then connect with its session.'
