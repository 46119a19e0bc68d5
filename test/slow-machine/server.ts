import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Wechat } from '../../simulator/src/index.js'
import { FULL_SPEED, type Quota } from './quota.js'

/** A server process of its own, built, with its defaults: see server.mjs. */
export interface SlowServer {
  readonly url: string
  /** What it has said on stderr: its warnings. */
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Ends it, and waits until it is gone. */
  end(): Promise<void>
}

export interface SlowServerOptions {
  wechat: Wechat
  redis: { url: string; prefix: string }
  quota?: Quota
}

const SCRIPT = fileURLToPath(new URL('./server.mjs', import.meta.url))

/** Resolves as soon as the port listens; ends with the test. */
export async function startSlow(
  t: ExecutionContext,
  { wechat, redis, quota = FULL_SPEED }: SlowServerOptions,
): Promise<SlowServer> {
  const env = {
    ...process.env,
    WEAPP_ID: wechat.appId,
    WEAPP_SECRET: wechat.appSecret,
    WECHAT_URL: await wechat.listen(),
    REDIS_URL: redis.url,
    PREFIX: redis.prefix,
  }
  const [command, args] = quota.limited([process.execPath, '--expose-gc', SCRIPT])
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  quota.started(child)
  const isOver = once(child, 'close')
  const end = async () => {
    child.kill('SIGKILL')
    await isOver
  }
  t.teardown(end)
  const stderr = textOf(child)
  const [line] = await Promise.race([once(child.stdout, 'data'), isOver.then(() => [''])])
  if (!line) throw new Error(`the server did not start: ${stderr()}`)
  return { url: String(line).trim(), stderr, kill: (signal) => void child.kill(signal), end }
}

function textOf(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
