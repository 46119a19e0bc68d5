import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** WeChat in a process of its own (wechat.ts). */
export async function startWechat(): Promise<{ url: string; stop(): void }> {
  const script = fileURLToPath(new URL('./wechat.ts', import.meta.url))
  const child = fork(script, { execArgv: ['--import=tsx'] })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { url, stop: () => void child.kill() }
}
