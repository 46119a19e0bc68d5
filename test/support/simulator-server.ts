import type { ExecutionContext } from 'ava'
import {
  createSimulatorServer,
  type SimulatorServer,
  type SimulatorServerOptions,
} from '../../simulator/src/index.js'
import { trace } from './trace.js'

/** An answer of the control API, whose fields a test knows. */
// biome-ignore lint/suspicious/noExplicitAny: each test reads other fields, and fails when they are not there
export type Json = Record<string, any>

export interface Simulator extends SimulatorServer {
  url: string
  /** The answer of the control API to a request, `path` below /simulator. */
  control(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }>
  /** The same, for what succeeds. */
  ask(method: string, path: string, body?: unknown): Promise<Json>
  /** What WeChat answers. */
  exchange(code: string): Promise<Json>
}

/** What `npx weapp-simulator` starts; ends with the test. Its secrets must not turn up anywhere. */
export async function startSimulator(
  t: ExecutionContext,
  options?: SimulatorServerOptions,
): Promise<Simulator> {
  const server = createSimulatorServer(options)
  t.teardown(async () => {
    for (const secret of server.wechat.secrets()) trace('secrets', secret)
    await server.close()
  })
  const url = await server.listen()
  return {
    ...speakTo(url),
    url,
    listen: server.listen,
    close: server.close,
    get wechat() {
      return server.wechat
    },
  }

  function speakTo(url: string): Pick<Simulator, 'control' | 'ask' | 'exchange'> {
    const control = controlAt(url)
    return {
      control,
      async ask(method, path, body) {
        const answer = await control(method, path, body)
        if (answer.status >= 300) throw new Error(JSON.stringify(answer.body))
        return answer.body
      },
      async exchange(code) {
        const { appId, appSecret } = server.wechat
        const query = { appid: appId, secret: appSecret, js_code: code, grant_type: 'authorization_code' }
        const response = await fetch(`${url}/sns/jscode2session?${new URLSearchParams(query)}`)
        return JSON.parse(await response.text())
      },
    }
  }
}

/** Speaks to the control API of a simulator, wherever it runs. */
export function controlAt(url: string): Simulator['control'] {
  return async (method, path, body) => {
    const sent = body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    }
    const response = await fetch(`${url}/simulator${path}`, { method, ...sent })
    return { status: response.status, body: (await response.json()) as Json }
  }
}
