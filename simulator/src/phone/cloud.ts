import type { CloudRunEnvironment } from '../cloud/environments.js'
import type { User } from '../servers/accounts.js'
import { randomCallId } from '../servers/ids.js'
import type { App } from './app.js'
import { containerMessage, containerRoute } from './container.js'
import { type GatewaySituation, gatewayRoute } from './gateway.js'
import type { Network } from './network.js'
import { addressOf, headersOf } from './outgoing.js'
import { answerData, type RequestContent, requestMessage } from './request-message.js'
import { type Received, startTransfer } from './transfer.js'
import type { Callbacks, Wx, WxSuccess } from './wx.js'
import type {
  CallContainerOptions,
  CallContainerResult,
  Cloud,
  CloudOptions,
  GatewayCallOptions,
} from './wx-cloud.js'

/** The longest that a call of a service may take, in ms: 云托管开发常识 and 调用服务问题排查指引. */
const LONGEST_CALL = 15_000

/** What `wx.cloud` looks at. */
export interface CloudSituation extends GatewaySituation {
  app: App
  network: Network
  user: User
  /** The environment of that id which belongs to that app, if this app may use it. */
  environment(resourceAppid: string, env: string | undefined): CloudRunEnvironment | undefined
}

/** `wx.cloud`: services of 云托管, and the gateway called by hand. */
export function cloudApis(phone: CloudSituation): Pick<Wx, 'cloud'> {
  const own: Instance = { resourceAppid: phone.sender.appId, env: undefined, isInitialised: false }

  return {
    cloud: {
      ...cloudOf(phone, own),

      init({ env } = {}) {
        Object.assign(own, { env, isInitialised: true })
      },

      Cloud: class implements Cloud {
        readonly init: Cloud['init']
        readonly callContainer: Cloud['callContainer']
        readonly services: Cloud['services']

        constructor({ resourceAppid = phone.sender.appId, resourceEnv: env }: CloudOptions = {}) {
          const instance: Instance = { resourceAppid, env, isInitialised: false }
          const { callContainer, services } = cloudOf(phone, instance)
          this.callContainer = callContainer
          this.services = services
          this.init = async () => {
            instance.isInitialised = true
          }
        }
      },
    },
  }
}

/** Whose environments are meant, and whether `init()` was called. */
interface Instance {
  resourceAppid: string
  env: string | undefined
  isInitialised: boolean
}

function cloudOf(phone: CloudSituation, instance: Instance): Omit<Cloud, 'init'> {
  const { clock, sender, user } = phone
  const gateway = { call: callGateway }

  return { callContainer, services: { Gateway: () => gateway } }

  function callContainer<Data>(options: CallContainerOptions<Data>) {
    const environment = phone.environment(instance.resourceAppid, options.config?.env ?? instance.env)
    const route = containerRoute({ appId: sender.appId, user, ip: sender.ip }, environment)
    const where = { isInitialised: instance.isInitialised, environment, route }
    return orPromise<CallContainerResult<Data>>(options, (callbacks) => {
      startTransfer<CallContainerResult<Data>>(phone, {
        api: 'cloud.callContainer',
        callbacks,
        timeout: timeoutOf(options),
        reportsChunks: false,
        route,
        message: () => containerMessage(options, where, sender),
        result: (received) => resultOf<Data>(received, options),
      })
    })
  }

  function callGateway<Data>(options: GatewayCallOptions<Data>) {
    return orPromise<CallContainerResult<Data>>(options, (callbacks) => {
      startTransfer<CallContainerResult<Data>>(phone, {
        api: 'gateway.call',
        callbacks,
        timeout: options.timeout,
        reportsChunks: false,
        route: gatewayRoute(phone, 'manual'),
        message() {
          // The console's domain has to be in the list of those the app may speak to: the server's need not.
          const address = addressOf('gateway.call', options.url, { ...sender, domains: undefined })
          if ('failure' in address) return address
          return requestMessage(address, headersOf(options.header, sender), options)
        },
        result: (received) => resultOf<Data>(received, options),
      })
    })
  }

  function resultOf<Data>({ statusCode, header, body }: Received, options: RequestContent) {
    // The caller said what to expect, as with `wx.request()`.
    return {
      data: answerData(body, options) as Data,
      statusCode,
      header,
      callID: randomCallId(clock.now()),
    }
  }
}

function timeoutOf({ timeout }: Pick<CallContainerOptions, 'timeout'>): number {
  return timeout !== undefined && timeout > 0 && timeout <= LONGEST_CALL ? timeout : LONGEST_CALL
}

/** Starts a call, and gives a promise when there is nobody to call back. */
function orPromise<Result extends WxSuccess>(
  callbacks: Callbacks<Result>,
  start: (callbacks: Callbacks<Result>) => void,
): undefined | Promise<Result> {
  if (callbacks.success || callbacks.fail || callbacks.complete) {
    start(callbacks)
    return undefined
  }
  return new Promise((success, fail) => start({ success, fail }))
}
