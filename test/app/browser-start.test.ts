import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { temporaryFolder } from '../support/browser.js'
import { outputUntil } from '../support/output-until.js'
import { freePort } from '../support/redis.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('npm start: it says where to look, keeps drawings in a folder, and ends when it is asked to', async (t) => {
  const folder = temporaryFolder(t)
  const app = start(t, { PORT: '0', ONE_STROKE_FOLDER: folder })

  const output = await outputUntil(app, 'Ctrl+C')
  const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? []
  t.is((await fetch(url)).status, 200)
  t.regex(await (await fetch(`${url}/phone.js`)).text(), /ERR_LOGGED_OUT/)
  t.true(existsSync(folder))

  app.kill('SIGINT')
  const [code] = await once(app, 'exit')
  t.is(code, 0)
})

test('npm start: who asks the moment that the port listens is answered', async (t) => {
  const port = await freePort()
  const app = start(t, { PORT: `${port}`, ONE_STROKE_FOLDER: temporaryFolder(t) })
  t.true(app.pid !== undefined)

  const first = await firstAnswer(`http://127.0.0.1:${port}/`)

  t.is(first, 200)
})

test('npm start: a port that is taken is no obstacle', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo

  const output = await outputUntil(
    start(t, { PORT: `${port}`, ONE_STROKE_FOLDER: temporaryFolder(t) }),
    'Ctrl+C',
  )

  t.regex(output, /http:\/\/127\.0\.0\.1:\d+/)
  t.false(output.includes(`:${port}`))
})

test('npm start: a server that cannot start says why, in one sentence', async (t) => {
  const mistakes: [Record<string, string>, RegExp][] = [
    [{ NODE_ENV: 'production' }, /does not run with NODE_ENV=production/],
    [{ PORT: 'http' }, /^PORT must be a number/],
    [{ REDIS_URL: 'localhost' }, /^REDIS_URL is not a Redis URL/],
  ]
  for (const [env, sentence] of mistakes) {
    const app = start(t, env)
    const output = await outputUntil(app, 'never')
    t.regex(output, sentence)
    t.is(output.trim().split('\n').length, 1, output)
    t.is(app.exitCode, 1)
  }
})

function start(t: ExecutionContext, env: Record<string, string>): ChildProcessWithoutNullStreams {
  const { REDIS_URL: _, ...rest } = process.env
  const app = spawn(process.execPath, ['--import=tsx', 'examples/one-stroke/main.ts'], {
    cwd: root,
    env: { ...rest, ...env },
  })
  t.teardown(() => app.kill('SIGKILL'))
  return app
}

/** The status of the first request that is not refused: each tries again at once. */
async function firstAnswer(url: string): Promise<number> {
  for (;;) {
    try {
      return (await fetch(url, { signal: AbortSignal.timeout(20_000) })).status
    } catch (error) {
      const { cause } = error as { cause?: { code?: string } }
      if (cause?.code !== 'ECONNREFUSED') throw error
      await sleep(5)
    }
  }
}
