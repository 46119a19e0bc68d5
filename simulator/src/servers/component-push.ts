import type { Clock } from '../clock.js'
import { createMessageSender, type PushMessage, type PushResult } from './message-sender.js'

/** Where WeChat sends the events of a third-party platform (授权事件接收配置). */
export interface ComponentPushOptions {
  /** Of your server. */
  url: string
  /** The Token: what signatures are made with. */
  token: string
  /** 43 letters and digits. */
  encodingAesKey: string
}

/** WeChat's messages to a third-party platform, encrypted XML always. */
export interface ComponentPush {
  /** The ticket, as every ten minutes: `component_verify_ticket`. */
  ticket(): Promise<PushResult>
  /** The owner authorises the platform, and it hears of it: `authorized`, with the authorization_code. */
  authorize(): Promise<PushResult>
  /** They withdraw it: `unauthorized`. */
  unauthorize(): Promise<PushResult>
}

/** What of a third-party platform is pushed. */
interface PushedComponent {
  appId: string
  verifyTicket: string
  authorize(): string
  unauthorize(): void
}

/**
 * Sources: developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/ThirdParty/token/component_verify_ticket.html,
 * …/authorize_event.html.
 *
 * @throws {TypeError} when `encodingAesKey` is none.
 */
export function createComponentPush(
  {
    component,
    appId,
    clock,
    signal,
  }: { component: PushedComponent; appId: string; clock: Clock; signal: AbortSignal },
  options: ComponentPushOptions,
): ComponentPush {
  const form = {
    ...options,
    mode: 'safe',
    format: 'xml',
    appId: component.appId,
    addressee: 'AppId',
  } as const
  const sender = createMessageSender(form, { clock, signal })

  return {
    ticket: () => send('component_verify_ticket', { ComponentVerifyTicket: component.verifyTicket }),

    authorize() {
      const AuthorizationCode = component.authorize()
      const AuthorizationCodeExpiredTime = Math.floor(clock.now() / 1000) + 600
      return send('authorized', { AuthorizerAppid: appId, AuthorizationCode, AuthorizationCodeExpiredTime })
    },

    unauthorize() {
      component.unauthorize()
      return send('unauthorized', { AuthorizerAppid: appId })
    },
  }

  function send(InfoType: string, more: PushMessage): Promise<PushResult> {
    return sender.send({
      AppId: component.appId,
      CreateTime: Math.floor(clock.now() / 1000),
      InfoType,
      ...more,
    })
  }
}
