import { createCipheriv, createHash, randomBytes, randomInt } from 'node:crypto'
import type { Clock } from '../clock.js'

/** Milliseconds that a server has to answer (消息推送). */
const PATIENCE = 5000

/** So often a message is sent, in all. */
const ATTEMPTS = 3

/** AES blocks of WeChat's padding: 32 bytes, not 16. */
const BLOCK = 32

/** How messages to a server are written. */
export interface MessageForm {
  /** Of the server. */
  url: string
  token: string
  /** 43 letters and digits; empty when nothing is encrypted. */
  encodingAesKey: string
  mode: 'plain' | 'compatible' | 'safe'
  format: 'json' | 'xml'
  /** Whose AppID ends what is encrypted. */
  appId: string
  /** The field that stays readable in `safe`: whom the message is for. */
  addressee: string
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

/** Sends messages to one server, signed, and encrypted by the mode. */
export interface MessageSender {
  /** Whether the server gives `echostr` back. */
  verify(): Promise<boolean>
  /** `query`: more parameters of the URL. */
  send(content: PushMessage, query?: Record<string, string>): Promise<PushResult>
}

/**
 * Source: 消息推送 (developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html). That a server's error is
 * answered by another attempt, as silence is, is a guess.
 *
 * @throws {TypeError} when messages are to be encrypted and `encodingAesKey` is none.
 */
export function createMessageSender(
  { url, token, encodingAesKey, mode, format, appId, addressee }: MessageForm,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): MessageSender {
  if (mode !== 'plain' && !/^[A-Za-z0-9]{43}$/.test(encodingAesKey)) {
    throw new TypeError('weapp-simulator: encodingAesKey must be 43 letters and digits')
  }
  const key = Buffer.from(`${encodingAesKey}=`, 'base64')

  return {
    async verify() {
      const echostr = String(randomInt(2 ** 47))
      const answer = await call({ method: 'GET' }, { ...signed(), echostr })
      return answer !== undefined && answer.status === 200 && answer.body === echostr
    },

    async send(content, more = {}) {
      const { query, body } = sealed(content)
      const contentType = format === 'json' ? 'application/json' : 'text/xml'
      const headers = { 'Content-Type': contentType, 'User-Agent': 'Mozilla/4.0' }

      for (let attempts = 1; ; attempts += 1) {
        const answer = await call({ method: 'POST', body, headers }, { ...query, ...more })
        const isAccepted = answer?.status === 200
        if (isAccepted || attempts === ATTEMPTS || signal.aborted) return { isAccepted, attempts, ...answer }
      }
    },
  }

  /** What is sent, by the mode. The signatures stay over all attempts. */
  function sealed(content: PushMessage): { query: Record<string, string>; body: string } {
    const query = signed()
    const text = written(content)
    if (mode === 'plain') return { query, body: text }

    const Encrypt = encrypt(text)
    const { timestamp, nonce } = query
    const msg_signature = sha1([token, timestamp, nonce, Encrypt])
    const readable = mode === 'safe' ? { [addressee]: content[addressee] ?? '' } : content
    return {
      query: { ...query, encrypt_type: 'aes', msg_signature },
      body: written({ ...readable, Encrypt }),
    }
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
    const padded = Buffer.concat([plain, Buffer.alloc(missing, missing)])
    return Buffer.concat([cipher.update(padded), cipher.final()]).toString('base64')
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
