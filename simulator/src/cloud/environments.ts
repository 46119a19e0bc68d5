import { randomEnv } from '../servers/ids.js'
import { type PublicCallOptions, type PublicCallResult, publicCall } from './public-call.js'

/** What `wechat.cloudRun()` takes. A {@link CloudRun} of another app is such options too: so apps share one (资源复用). */
export interface CloudRunOptions {
  /** The id of the environment. Default: a random one. An environment of the same id and app is replaced. */
  env?: string
  /** Base URLs of the services, by their names: `{ api: 'http://127.0.0.1:3000' }`. */
  services: Readonly<Record<string, string>>
  /**
   * The AppID of the app whose environment it is. Default: this app's. With another one (资源复用) this app calls by
   * `new wx.cloud.Cloud({ resourceAppid, resourceEnv })`, and services get `X-WX-FROM-OPENID` and its neighbours.
   */
  resourceAppid?: string
}

/**
 * An environment of 微信云托管, with its services. They get what `wx.cloud.callContainer()` sends with headers by which
 * WeChat says who the user is: `X-WX-OPENID`, `X-WX-APPID`, `X-WX-UNIONID` when there is one, `X-WX-ENV`, `X-WX-SOURCE`
 * (`wx_client`), `X-Original-Forwarded-For`.
 *
 * Source: 容器内变量信息, developers.weixin.qq.com/miniprogram/dev/wxcloudrun/src/development/weixin/
 */
export interface CloudRun extends Required<CloudRunOptions> {
  /**
   * Calls a service from outside, as anybody can while its public access is on (公网访问). What headers it sends arrive as
   * they are, forged ones of WeChat's too: a server has to see through them. Rejects when the service cannot be reached,
   * or the simulator closes.
   *
   * @throws {TypeError} when there is no such service.
   *
   * @example
   * const forged = [['X-WX-SOURCE', 'wx_client'], ['X-WX-OPENID', 'o-alice'], ['X-WX-OPENID', 'o-bob']] as const
   * const { statusCode, body } = await cloud.publicCall({ service: 'api', path: '/me', header: forged })
   */
  publicCall(options: PublicCallOptions): Promise<PublicCallResult>
}

/** What a phone has to know of an environment. */
export interface CloudRunEnvironment {
  env: string
  resourceAppid: string
  /** The address of a path of a service; `undefined` when there is no such service. */
  urlOf(service: string, path: string): URL | undefined
}

/** The environments that an app may use. */
export interface Environments {
  add(options: CloudRunOptions): CloudRun
  find(resourceAppid: string, env: string | undefined): CloudRunEnvironment | undefined
  /** Cuts the public calls that run. */
  close(): void
}

export function createEnvironments(appId: string): Environments {
  const environments: CloudRunEnvironment[] = []
  const closing = new AbortController()

  return {
    add({ env = randomEnv(), services, resourceAppid = appId }) {
      const urlOf = (service: string, path: string) => {
        return Object.hasOwn(services, service) ? join(services[service] ?? '', path) : undefined
      }
      environments.unshift({ env, resourceAppid, urlOf })

      return {
        ...{ env, services, resourceAppid },
        async publicCall({ service, path = '/', ...options }) {
          const url = urlOf(service, path)
          if (url === undefined) throw new TypeError(`weapp-simulator: no service "${service}" in ${env}`)
          return publicCall(url, options, closing.signal)
        },
      }
    },

    find(resourceAppid, env) {
      return environments.find((one) => one.resourceAppid === resourceAppid && one.env === env)
    },

    close: () => closing.abort(),
  }
}

/** A path never leads to another host, whatever it begins with. */
function join(base: string, path: string): URL {
  return new URL(`${base.replace(/\/$/, '')}/${path.replace(/^\//, '')}`)
}
