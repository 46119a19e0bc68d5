import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { SessionCarrier } from './carriers/carrier.js'
import type { TrustedSource } from './carriers/cloud-run.js'
import { WeappSessionError } from './errors.js'
import type { MiniProgram } from './mini-program.js'
import { refuseBareCode } from './respond.js'
import type { WxUserInfo } from './wechat/user-info.js'
import type { Wire } from './wire.js'

export interface HandshakeOptions {
  carrier: SessionCarrier
  trust: TrustedSource | undefined
  readWire: (headers: IncomingMessage['headers']) => Wire
  programOf: (ctx: Context) => Promise<MiniProgram | undefined>
}

/**
 * Identifies who makes a request that Koa does not serve: a socket's handshake, or one of another server. It never logs in,
 * because a handshake cannot bring the client the word that its login was accepted.
 */
export function createIdentify(
  options: HandshakeOptions,
): (request: IncomingMessage) => Promise<WxUserInfo | null> {
  const { carrier, trust, readWire, programOf } = options

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
    if (wire.isLogin) throw new WeappSessionError('ERR_LOGIN_REQUIRED', { message: NO_LOGIN })
    const program = await programOf(contextOf(request))
    const presented = await carrier.read(request, wire, program?.appId ?? '')
    if (!presented) {
      refuseBareCode(carrier, request, wire)
      return null
    }
    if (!program)
      throw new WeappSessionError('ERR_BAD_REQUEST', { message: 'This is no mini program of this server.' })
    const { record } = program.sessions.peek(presented) ?? (await program.sessions.find(presented))
    return record.user && { ...record.user }
  }
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
