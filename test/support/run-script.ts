import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ExecutionContext } from 'ava'

/** Runs a script, with `redisStore`, in a process of its own. */
export async function runScript(
  t: ExecutionContext,
  body: string,
  env: Record<string, string> = {},
): Promise<{ code: number; stderr: string }> {
  const script = `const { redisStore } = await import('${new URL('../../src/index.ts', import.meta.url)}')\n${body}`
  const args = ['--import=tsx', '--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, stderr }
}
