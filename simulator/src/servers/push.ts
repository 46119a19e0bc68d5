import { createHash } from 'node:crypto'
import type { Clock } from '../clock.js'
import { createMessageSender, type PushMessage, type PushResult } from './message-sender.js'

/** Where WeChat sends messages and events, as the console has it (消息推送配置). */
export interface MessagePushOptions {
  /** Of your server. */
  url: string
  /** The Token: what signatures are made with. */
  token: string
  /** 43 letters and digits. Needed by `compatible` and `safe`. */
  encodingAesKey?: string
  /** `plain` (明文, default); `compatible` (兼容): the message and what is encrypted of it; `safe` (安全): what is encrypted alone. */
  mode?: 'plain' | 'compatible' | 'safe'
  /** Default `json`. */
  format?: 'json' | 'xml'
}

/** WeChat's messages to one server. */
export interface MessagePush {
  /** What WeChat does when the URL is saved in the console: whether the server gives `echostr` back. */
  verify(): Promise<boolean>
  /** Sends a message. `ToUserName`, `FromUserName` (the user's openid) and `CreateTime` are added. */
  send(user: string, message: PushMessage): Promise<PushResult>
  /**
   * The user withdrew permissions: `user_authorization_revoke`. `what`: the numbers of RevokeInfo, such as `'8'` for the phone
   * number and `'6'` for name and avatar.
   */
  revoke(user: string, what: readonly string[]): Promise<PushResult>
  /** The user has closed their WeChat account: `user_authorization_cancellation`. Their codes and session_key end. */
  cancel(user: string): Promise<PushResult>
  /** WeChat has cleaned up the user's name or avatar: `user_info_modified`. */
  modify(user: string): Promise<PushResult>
}

/** What pushes need to know of WeChat. */
export interface PushSituation {
  appId: string
  clock: Clock
  openIdOf(user: string): string
  /** The user is gone. */
  end(user: string): void
  /** Ends what is sent when the simulator closes. */
  signal: AbortSignal
}

/**
 * Source of the events: 授权用户信息变更.
 *
 * @throws {TypeError} when messages are to be encrypted and `encodingAesKey` is none.
 */
export function createPush(situation: PushSituation, options: MessagePushOptions): MessagePush {
  const { appId, clock, openIdOf } = situation
  const { url, token, encodingAesKey = '', mode = 'plain', format = 'json' } = options
  const form = { url, token, encodingAesKey, mode, format, appId, addressee: 'ToUserName' }
  const sender = createMessageSender(form, situation)
  const owner = `gh_${createHash('sha256').update(appId).digest('hex').slice(0, 12)}`

  return {
    verify: sender.verify,
    send,
    revoke: (user, what) => event(user, 'user_authorization_revoke', { RevokeInfo: what.join(',') }),
    modify: (user) => event(user, 'user_info_modified', {}),

    cancel(user) {
      situation.end(user)
      return event(user, 'user_authorization_cancellation', {})
    },
  }

  function event(user: string, Event: string, more: PushMessage): Promise<PushResult> {
    return send(user, { MsgType: 'event', Event, OpenID: openIdOf(user), AppID: appId, ...more })
  }

  function send(user: string, message: PushMessage): Promise<PushResult> {
    const openid = openIdOf(user)
    const CreateTime = Math.floor(clock.now() / 1000)
    return sender.send({ ToUserName: owner, FromUserName: openid, CreateTime, ...message }, { openid })
  }
}
