import type { Phone } from 'koa-weapp-session/simulator'

/** What an answer comes to. */
export interface Answer {
  status: number
  reason: string | undefined
  body: unknown
}

/** The mini program on one phone. */
export interface MiniProgram {
  /** What it was given, and sends. */
  session: string | undefined
  /** Logs in where it has to, as `weapp-session-client` does. */
  call(method: 'GET' | 'POST' | 'DELETE', url: string, data?: object): Promise<Answer>
}

/** Keeps the session of the header carrier: little enough to be read here. */
export function miniProgram({ wx }: Phone): MiniProgram {
  const self: MiniProgram = {
    session: undefined,

    async call(method, url, data) {
      const answer = await send({ method, url, ...(data && { data }) }, await credential())
      if (answer.reason !== 'ERR_SESSION_EXPIRED') return answer
      self.session = undefined
      return send({ method, url, ...(data && { data }) }, await credential())
    },
  }
  return self

  async function credential(): Promise<Record<string, string>> {
    return self.session
      ? { 'X-WX-Session': self.session }
      : { 'X-WX-Code': await newCode(), 'X-WX-Login': 'code' }
  }

  function newCode(): Promise<string> {
    return new Promise((resolve, reject) => {
      wx.login({ success: ({ code }) => resolve(code), fail: reject })
    })
  }

  function send(
    options: { method: 'GET' | 'POST' | 'DELETE'; url: string; data?: object },
    header: Record<string, string>,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      wx.request({
        ...options,
        header,
        success({ statusCode: status, header, data: body }) {
          const names = header as Record<string, string | undefined>
          self.session = names['X-WX-Session'] ?? self.session
          resolve({ status, reason: names['X-WX-Session-Error'], body })
        },
        fail: reject,
      })
    })
  }
}
