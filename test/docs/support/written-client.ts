import { setTimeout as sleep } from 'node:timers/promises'

/** A client written from docs/protocol.md, "Writing a client", and from nothing else: no name of it is imported. */
export interface WrittenClient {
  request(path: string, init?: { method?: string }): Promise<Answer>
  /** What it keeps. */
  credential: Record<string, string> | undefined
}

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever a server says
  data: any
  /** How often the request was sent, logins by it included. */
  attempts: number
}

interface Options {
  /** A path where logins go, or none: then the first request logs in. */
  loginPath?: string
  /** Whether it sees no response headers of ours: a page without CORS for them. */
  isBlind?: boolean
}

type Headers = Record<string, string>

const SAFE = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']

export function writtenClient(
  host: string,
  getCode: () => Promise<string>,
  options: Options = {},
): WrittenClient {
  const { loginPath, isBlind = false } = options
  const client: WrittenClient = { credential: undefined, request }
  /** The leader's login. */
  let login: Promise<unknown> | undefined
  return client

  async function request(path: string, { method = 'GET' } = {}): Promise<Answer> {
    let attempts = 0
    for (;;) {
      if (!client.credential && login) await login
      const { credential } = client
      attempts += 1
      const answer = credential ? await send(path, method, credential) : await lead(path, method)
      const { reason, status, retryAfter, data, isDone } = answer
      if (isDone) {
        if (!reason) return { status, data, attempts }
        const isOver = reason === 'ERR_SESSION_EXPIRED' || reason === 'ERR_LOGIN_REQUIRED'
        if (isOver && client.credential === credential) client.credential = undefined
        const isRepeated = isOver || (SAFE.includes(method) && (status === 409 || status === 503))
        if (!isRepeated || attempts === 4) return { status, data, attempts }
      }
      await sleep(retryAfter * 1000)
    }
  }

  /** One call logs in, all others wait. */
  async function lead(path: string, method: string) {
    const leading = loginPath ? logInAt(loginPath) : logInBy(path, method)
    login = leading.catch(() => {})
    return leading.finally(() => {
      login = undefined
    })
  }

  async function logInBy(path: string, method: string) {
    const code = await getCode()
    const answer = await send(path, method, { 'Weapp-Code': code, 'Weapp-Login': 'code' }, code)
    // A refused login has been seen by no handler.
    return { ...answer, reason: answer.word === 'accepted' ? answer.reason : stop(answer.reason) }
  }

  async function logInAt(path: string) {
    const code = await getCode()
    const headers = { 'Content-Type': 'application/json' }
    const answer = await send(path, 'POST', headers, code, JSON.stringify({ code }))
    return { ...answer, isDone: answer.reason !== undefined, reason: stop(answer.reason) }
  }

  async function send(path: string, method: string, headers: Headers, code?: string, body?: string) {
    const init = { method, headers, redirect: 'manual' as const, ...(body !== undefined && { body }) }
    const response = await fetch(host + path, init)
    const text = await response.text()
    const data = /^[{[]/.test(text) ? JSON.parse(text) : text
    const get = (name: string) => (isBlind ? undefined : response.headers.get(name)) ?? undefined
    const word = get('Weapp-Login') ?? (path === loginPath ? data.login : undefined)
    const reason: string | undefined = get('Weapp-Session-Error') ?? data.reason

    const given = credentialIn(get, path === loginPath ? data : {})
    if (code !== undefined && word === 'accepted') client.credential = given ?? { 'Weapp-Code': code }
    else if (given && client.credential === headers) client.credential = given
    if (word === 'required') client.credential = undefined
    const retryAfter = Number(get('Retry-After') ?? 0)
    return { status: response.status, data, word, reason, retryAfter, isDone: true }
  }

  function credentialIn(get: (name: string) => string | undefined, body: Headers): Headers | undefined {
    const session = get('Weapp-Session') ?? body.session
    const token = get('Weapp-Token') ?? body.token
    const cookie = get('Set-Cookie')
    if (session) return { 'Weapp-Session': session }
    if (token) return { Authorization: `Bearer ${token}` }
    if (cookie && !cookie.includes('Max-Age=0')) return { Cookie: cookie.split(';')[0] as string }
    return undefined
  }
}

/** Refusals of a login that this small client does not repeat. */
function stop(reason: string | undefined): string | undefined {
  return reason && `login: ${reason}`
}
