import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { sourcesByName } from './package-names.js'
import { trace } from './trace.js'

const folder = new URL('../../examples/one-stroke/server/', import.meta.url)

/** How the server is run: from its sources, or as it is built for production. */
export const FROM_SOURCES: string[] = [...sourcesByName(), fileURLToPath(new URL('main.ts', folder))]
export const BUILT: string[] = [fileURLToPath(new URL('dist/main.js', folder))]

export interface OneStrokeProcess {
  child: ChildProcess
  /** All that it has printed. */
  output(): string
  /** Resolves when it says, as to pm2, that it is ready; an error when it ends instead. */
  ready: Promise<void>
  /** Its exit code; `null` when it was killed. */
  exit: Promise<number | null>
}

/** Runs the drawing app's server as a process; it ends with the test. */
export function runOneStroke(
  t: ExecutionContext,
  how: string[],
  env: Record<string, string | number>,
): OneStrokeProcess {
  const { PATH = '' } = process.env
  const strings = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]))
  const child = spawn(process.execPath, how, {
    env: { PATH, ...strings },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const exit = once(child, 'close').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exit
    trace('responses', output)
  })
  const ready = Promise.race([
    once(child, 'message').then(() => {}),
    exit.then((code) => {
      throw new Error(`the server has ended (${code}): ${output}`)
    }),
  ])
  // Who waits for its end does not wait for this.
  ready.catch(() => {})
  return { child, output: () => output, ready, exit }
}
