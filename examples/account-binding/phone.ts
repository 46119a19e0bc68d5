import { createSession } from 'weapp-session-client'
import type { Phone } from 'weapp-simulator'

type Method = 'GET' | 'POST' | 'DELETE'

/** What a call comes to, and what the server refused on the way to it. */
export interface Answer {
  status: number
  body: unknown
  refusals: string[]
}

/** The mini program on one phone. */
export interface MiniProgram {
  /** Logs in by itself where it has to. */
  call(method: Method, url: string, data?: object): Promise<Answer>
  /** What the server gave last, as somebody reads it who listens on the way: the client shows it to nobody. */
  readonly credential: string | undefined
}

/** A mini program with one session, which goes to both servers. */
export function miniProgram(phone: Phone, servers: { url: string; otherUrl: string }): MiniProgram {
  let credential: string | undefined
  let refusals: string[] = []
  listenTo(phone, (header) => {
    credential = header['Weapp-Session'] ?? credential
    const refusal = header['Weapp-Session-Error']
    if (refusal) refusals.push(refusal)
  })
  const session = createSession({ baseUrl: servers.url, origins: [servers.otherUrl], wx: phone.wx })

  return {
    async call(method, url, data) {
      refusals = []
      const { statusCode, data: body } = await session.request({ method, url, ...(data && { data }) })
      return { status: statusCode, body, refusals }
    },

    get credential() {
      return credential
    },
  }
}

function listenTo({ wx }: Phone, hear: (header: Record<string, string | undefined>) => void): void {
  const request = wx.request
  wx.request = (options) =>
    request({
      ...options,
      success(result) {
        hear(result.header as Record<string, string | undefined>)
        options.success?.(result)
      },
    })
}
