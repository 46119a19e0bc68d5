import type { IncomingMessage } from 'node:http'
import { WeappSessionError } from '../errors.js'
import { checkOptions, optionError } from '../util/option-error.js'
import { warn } from '../util/warn.js'

/** Options of {@link cloudRun}. */
export interface CloudRunOptions {
  /** The mini programs whose users are believed: their appIds. */
  appIds: string[]
  /** The environment that this service runs in: its id, such as `prod-0a1b2c`. */
  env: string
  /** The `X-WX-SOURCE` that are believed, such as `wx_client`. Default: each that is not empty. */
  sources?: string[]
}

/** Who else may say who a user is: made by {@link cloudRun}. */
export interface Trust {
  readonly kind: 'cloudRun'
}

/** What the server does with it. */
export interface TrustedSource extends Trust {
  /**
   * The user of a request, where the platform says who that is.
   *
   * @throws {WeappSessionError} ERR_BAD_REQUEST for headers that contradict each other
   */
  read(request: IncomingMessage): { appId: string; openId: string; unionId?: string } | undefined
}

/** The headers that name a user: of the app that owns the environment; or, where apps share one (资源复用), of the caller. */
const OF_OWNER = { openId: 'x-wx-openid', appId: 'x-wx-appid', unionId: 'x-wx-unionid' }
const OF_CALLER = { openId: 'x-wx-from-openid', appId: 'x-wx-from-appid', unionId: 'x-wx-from-unionid' }
const SOURCE = 'x-wx-source'
const ENV = 'x-wx-env'

const ALL = [...Object.values(OF_OWNER), ...Object.values(OF_CALLER), SOURCE, ENV]

/** WeChat documents no shape; its ids have 28 of these characters. */
const ID = /^[\w-]{1,128}$/

/**
 * Believes 云托管 who calls: `wx.cloud.callContainer()` needs no login, because WeChat itself puts the user's openid into
 * `X-WX-OPENID`. Only there: whoever can reach a server in another way can send these headers too, so close the public
 * entrance of the service (公网访问). The environment and the appId have to be these; requests without `X-WX-SOURCE` go on
 * to the ordinary protocol.
 *
 * There is no session behind such a user, and no `session_key`: `ctx.$wxSession.data` and `decrypt()` throw. `revoke()`
 * ends nothing, because the next call is identified anew.
 *
 * @throws {TypeError} when an option makes no sense
 *
 * @example
 * weappSession({ appId, appSecret, trust: cloudRun({ appIds: [appId], env: 'prod-0a1b2c' }) })
 *
 * @see developers.weixin.qq.com, 微信云托管: 容器内变量信息
 */
export function cloudRun(options: CloudRunOptions): Trust {
  checkOptions('cloudRun', options, ['appIds', 'env', 'sources'])
  const { appIds, env, sources } = options
  if (!isListOfText(appIds))
    throw optionError("cloudRun({ appIds }) must be a list of appIds, such as ['wx…']")
  if (typeof env !== 'string' || env === '')
    throw optionError(
      'cloudRun({ env }) must be the id of the environment, as the console of 云托管 shows it',
    )
  if (sources !== undefined && !isListOfText(sources))
    throw optionError("cloudRun({ sources }) must be a list, such as ['wx_client']")
  if (process.env.CBR_ENV_ID === undefined) warn('WEAPP_CLOUD_RUN', OUTSIDE)

  const source: TrustedSource = { kind: 'cloudRun', read }
  return source

  function read({ headers, rawHeaders = [] }: IncomingMessage) {
    const given = headers[SOURCE]
    if (typeof given !== 'string' || given === '') return undefined
    if (isRepeated(rawHeaders)) throw contradiction('must not be repeated')
    if (headers[ENV] !== env || (sources && !sources.includes(given))) return undefined

    const [user, other] = [OF_OWNER, OF_CALLER].map(userIn).filter((each) => each !== undefined)
    if (user && other && (user.openId !== other.openId || user.appId !== other.appId))
      throw contradiction('and X-WX-FROM-OPENID name two users')
    return user

    function userIn(names: typeof OF_OWNER) {
      const [appId, openId, unionId] = [headers[names.appId], headers[names.openId], headers[names.unionId]]
      if (typeof appId !== 'string' || !appIds.includes(appId)) return undefined
      if (typeof openId !== 'string' || !ID.test(openId)) return undefined
      return { appId, openId, ...(typeof unionId === 'string' && ID.test(unionId) && { unionId }) }
    }
  }
}

/** Node joins what a repeated header says. */
function isRepeated(rawHeaders: string[]): boolean {
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const ours = names.filter((name) => ALL.includes(name))
  return new Set(ours).size < ours.length
}

function isListOfText(value: unknown): value is string[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '')
  )
}

function contradiction(what: string): WeappSessionError {
  return new WeappSessionError('ERR_BAD_REQUEST', { message: `X-WX-OPENID ${what}.` })
}

const OUTSIDE =
  'cloudRun() believes headers that anybody can send, and this process does not seem to run in 云托管 (there is no ' +
  'CBR_ENV_ID): use it there alone, with the public entrance closed.'
