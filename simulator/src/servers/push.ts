import { createCipheriv, createHash, randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '../clock.js'

/** Milliseconds that a server has to answer (消息推送). */
const PATIENCE = 5000

/** So often a message is sent, in all. */
const ATTEMPTS = 3

/** AES blocks of WeChat's padding: 32 bytes, not 16. */
const BLOCK = 32

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

/** What came of a message. */
export interface PushResult {
  /** Whether the server has answered in time, with status 200. */
  isAccepted: boolean
  /** How often it was sent: 1 to 3. */
  attempts: number
  /** Of the last answer, when there was one. */
  status?: number
  body?: string
}

/** The fields of a message or an event. */
export type PushMessage = Readonly<Record<string, string | number>>

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
 * Source: 消息推送 (developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html) and 授权用户信息变更. That a
 * server's error is answered by another attempt, as silence is, is a guess.
 *
 * @throws {TypeError} when messages are to be encrypted and `encodingAesKey` is none.
 */
export function createPush(situation: PushSituation, options: MessagePushOptions): MessagePush {
  const { appId, clock, openIdOf, signal } = situation
  const { url, token, encodingAesKey = '', mode = 'plain', format = 'json' } = options
  if (mode !== 'plain' && !/^[A-Za-z0-9]{43}$/.test(encodingAesKey)) {
    throw new TypeError('weapp-simulator: encodingAesKey must be 43 letters and digits')
  }
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')
  const owner = `gh_${createHash('sha256').update(appId).digest('hex').slice(0, 12)}`

  return {
    async verify() {
      const echostr = String(randomInt(2 ** 47))
      const answer = await call({ method: 'GET' }, { ...signed(), echostr })
      return answer !== undefined && answer.status === 200 && answer.body === echostr
    },

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

  async function send(user: string, message: PushMessage): Promise<PushResult> {
    const openid = openIdOf(user)
    const ToUserName = owner
    const CreateTime = Math.floor(clock.now() / 1000)
    const content = { ToUserName, FromUserName: openid, CreateTime, ...message }
    const { query, body } = sealed(content)
    const contentType = format === 'json' ? 'application/json' : 'text/xml'

    for (let attempts = 1; ; attempts += 1) {
      const init = {
        method: 'POST',
        body,
        headers: { 'Content-Type': contentType, 'User-Agent': 'Mozilla/4.0' },
      }
      const answer = await call(init, { ...query, openid })
      const isAccepted = answer?.status === 200
      if (isAccepted || attempts === ATTEMPTS || signal.aborted) return { isAccepted, attempts, ...answer }
    }
  }

  /** What is sent, by the mode. The signatures stay over all attempts. */
  function sealed(content: PushMessage): { query: Record<string, string>; body: string } {
    const query = signed()
    const text = written(content)
    if (mode === 'plain') return { query, body: text }

    const Encrypt = encrypt(text)
    const { timestamp, nonce } = query
    const msg_signature = sha1([token, timestamp, nonce, Encrypt])
    const { ToUserName = owner } = content
    const body = written(mode === 'safe' ? { ToUserName, Encrypt } : { ...content, Encrypt })
    return { query: { ...query, encrypt_type: 'aes', msg_signature }, body }
  }

  function signed() {
    const timestamp = String(Math.floor(clock.now() / 1000))
    const nonce = String(randomInt(2 ** 31))
    return { signature: sha1([token, timestamp, nonce]), timestamp, nonce }
  }

  function written(content: PushMessage): string {
    return format === 'json' ? JSON.stringify(content) : xmlOf(content)
  }

  /** 16 random bytes, the length of the text, the text and the appId. */
  function encrypt(text: string): string {
    const message = Buffer.from(text)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(message.length)
    const plain = Buffer.concat([randomBytes(16), length, message, Buffer.from(appId)])
    const missing = BLOCK - (plain.length % BLOCK)
    const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
    return Buffer.concat([
      cipher.update(plain),
      cipher.update(Buffer.alloc(missing, missing)),
      cipher.final(),
    ]).toString('base64')
  }

  /** The answer, if it comes in time. */
  async function call(
    init: RequestInit,
    query: Record<string, string>,
  ): Promise<{ status: number; body: string } | undefined> {
    const address = new URL(url)
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
    const late = new AbortController()
    const stopWaiting = clock.after(PATIENCE, () => late.abort())
    try {
      const response = await fetch(address, { ...init, signal: AbortSignal.any([late.signal, signal]) })
      return { status: response.status, body: await response.text() }
    } catch {
      return undefined
    } finally {
      stopWaiting()
    }
  }
}

/** Hex SHA-1 of the texts, sorted and joined: developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html */
function sha1(texts: readonly string[]): string {
  return createHash('sha1')
    .update([...texts].sort().join(''))
    .digest('hex')
}

/** Numbers as they are, texts as CDATA, which cannot contain its own end. */
function xmlOf(content: PushMessage): string {
  const fields = Object.entries(content).map(([name, value]) => {
    const text =
      typeof value === 'number' ? value : `<![CDATA[${value.replaceAll(']]>', ']]]]><![CDATA[>')}]]>`
    return `<${name}>${text}</${name}>`
  })
  return `<xml>${fields.join('')}</xml>`
}
