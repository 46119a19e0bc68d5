import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A process of `npx weapp-simulator` that has started. */
export interface Command {
  /** What it has printed until it was ready. */
  output: string
  /** Its base URL, as it says. */
  url: string
  child: ChildProcess
  /** What Ctrl+C is: a signal to it and to who started it, `npx` say. */
  interrupt(): void
  /** Resolves to its exit code, or the signal. */
  ended: Promise<unknown>
}

/** The command as it is built: with it starts what `node_modules/.bin/weapp-simulator` starts. */
const BUILT = [process.execPath, join(root, 'simulator/dist/cli.js')]

/** Starts the command on a free port; it is killed with the test. */
export async function startCommand(
  t: ExecutionContext,
  args: string[] = [],
  { argv = BUILT, env = {}, cwd = root }: { argv?: string[]; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Command> {
  const [program = '', ...before] = argv
  const port = args.includes('--port') ? [] : ['--port', '0']
  // A group of its own: a signal to `npx` alone leaves what that has started.
  const options = { cwd, env: { ...process.env, LANG: 'C', ...env }, detached: true }
  const child = spawn(program, [...before, ...port, ...args], options)
  const signal = (name: 'SIGINT' | 'SIGKILL') => {
    const isRunning = child.exitCode === null && child.signalCode === null
    if (child.pid && isRunning) process.kill(-child.pid, name)
  }
  t.teardown(() => signal('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => code ?? signal)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (/Ctrl\+C/.test(output)) resolve()
      })
    child.on('close', () => reject(new Error(`it ended: ${output}`)))
  })
  const [, url = ''] = /(http:\/\/127\.0\.0\.1:\d+)\//.exec(output) ?? []
  return { output, url, child, interrupt: () => signal('SIGINT'), ended }
}

/** Runs the command to its end; resolves to its exit code and what it said. */
export async function runCommand(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const [program = '', ...before] = BUILT
  const child = spawn(program, [...before, ...args], {
    env: { ...process.env, LANG: 'C', ...env },
    timeout: 30_000,
  })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  const [code] = await once(child, 'close')
  return { code, ...said }
}
