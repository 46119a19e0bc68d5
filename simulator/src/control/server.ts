import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomAppSecret } from '../servers/ids.js'
import { randomAppIdOf } from '../servers/platform.js'
import type { Wechat, WechatOptions } from '../wechat.js'
import { createChanges } from './changes.js'
import { answerControl, sendError, sendJson } from './control-api.js'
import { ControlError } from './control-error.js'
import { checkSender, isKnown } from './guard.js'
import { createListener, type TlsFiles } from './listeners.js'
import { openApi } from './openapi.js'
import { pageFileOf, sendPageFile } from './page.js'
import { describeRoutes } from './routes.js'
import { createStateKeeper } from './state-keeper.js'
import { createWorld } from './world.js'

/** How a simulator's server is set up: as a WeChat, and what is about the server. */
export interface SimulatorServerOptions extends Omit<WechatOptions, 'clock'> {
  /**
   * A file in which users, codes, session_keys, tokens and the app survive a restart. It is made when it is not there, and
   * replaced as a whole before an answer leaves that says something new. One process at a time. Default: nothing is kept.
   */
  state?: string
  /** Speaks HTTPS too, on the same port, with this key and certificate (PEM), to clients that ask `hosts`. */
  tls?: TlsFiles & {
    /** The names that the certificate is for, beside localhost. */
    hosts?: readonly string[]
  }
}

/**
 * A WeChat on a port: WeChat's own paths, a page at `/`, and a control API below `/simulator`, by which programs in any
 * language make users, obtain codes, let calls fail and move the clock.
 */
export interface SimulatorServer {
  /** The WeChat behind it. A reset (`POST /simulator/reset`) makes another one of the same app. */
  readonly wechat: Wechat
  /**
   * Listens on 127.0.0.1. Port 0 (default) is any free one. Resolves to the base URL.
   *
   * @throws {Error} Node's own: `EADDRINUSE` when the port is taken, `EACCES` when it is not for everybody
   */
  listen(port?: number): Promise<string>
  /** Saves the state, and ends everything: connections are cut, no timer is left. Again is fine. */
  close(): Promise<void>
}

/**
 * A {@link SimulatorServer}: what `npx weapp-simulator` starts, for a program of yours.
 *
 * @throws {TypeError} when `NODE_ENV` is `production`
 * @throws {Error} with the code `ERR_STATE_FILE`, when the state file cannot be read or written, or is of another app or platform
 *
 * @example
 * const simulator = createSimulatorServer({ appId: 'wx-dev', appSecret: 'dev' })
 * const baseUrl = await simulator.listen(4000)
 * const response = await fetch(`${baseUrl}/simulator/users/alice/code`, { method: 'POST' })
 * console.log(await response.json()) // { code, expiresIn }
 */
export function createSimulatorServer(options: SimulatorServerOptions = {}): SimulatorServer {
  const { state, tls, ...given } = options
  const { platform = 'wechat' } = given
  const keeper = createStateKeeper(state, { appId: given.appId, platform })
  const app = {
    appId: given.appId ?? keeper.saved?.appId ?? randomAppIdOf(platform),
    appSecret: given.appSecret ?? keeper.saved?.appSecret ?? randomAppSecret(),
  }
  const hosts = tls?.hosts ?? []
  const changes = createChanges()
  const listener = createListener(handle, tls)
  let baseUrl = ''
  let world = begin()
  keeper.begin(world)

  return {
    get wechat() {
      return world.wechat
    },

    async listen(port = 0) {
      baseUrl = `http://127.0.0.1:${await listener.listen(port)}`
      return baseUrl
    },

    async close() {
      keeper.save(world)
      await Promise.all([listener.close(), world.wechat.close()])
    },
  }

  function begin() {
    const made = createWorld({ ...given, ...app })
    made.observe(changed)
    return made
  }

  function reset(): void {
    void world.wechat.close()
    world = begin()
  }

  function changed(): void {
    keeper.save(world)
    changes.announce()
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const [path = '/', search = ''] = (request.url ?? '/').split('?')
    const pageFile = request.method === 'GET' ? pageFileOf(path) : undefined
    if (pageFile !== undefined) page(request, response, pageFile).catch(refuse)
    else if (/^\/simulator(\/|$)/.test(path)) control(request, response, path, search).catch(refuse)
    else world.server.handle(request, response)

    function refuse(error: unknown): void {
      sendError(response, error)
    }
  }

  async function page(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const { host = '' } = request.headers
    if (!isKnown(host, hosts)) {
      throw new ControlError('ERR_FOREIGN_HOST', `The simulator is 127.0.0.1 or localhost, not "${host}".`)
    }
    const isSent = await sendPageFile(response, name)
    if (!isSent) throw new ControlError('ERR_NOT_FOUND', 'The page has no such file.')
  }

  async function control(request: IncomingMessage, response: ServerResponse, path: string, search: string) {
    checkSender(request, hosts)
    const { method } = request
    if (method === 'GET' && path === '/simulator') return sendJson(response, 200, description())
    if (method === 'GET' && path === '/simulator/openapi.json')
      return sendJson(response, 200, openApi(baseUrl))
    if (method === 'GET' && path === '/simulator/changes') return changes.stream(request, response)
    const below = { path: path.slice('/simulator'.length), search }
    await answerControl({ world: () => world, reset, changed }, request, response, below)
  }

  function description(): object {
    return {
      about: 'A simulated WeChat. Use the baseUrl in the place of https://api.weixin.qq.com.',
      ...{ baseUrl, page: `${baseUrl}/`, appId: app.appId },
      openApi: `${baseUrl}/simulator/openapi.json`,
      routes: describeRoutes(),
    }
  }
}
