import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { outputUntil } from './support/output-until.js'
import { freePort, useRedis } from './support/redis.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const redis = useRedis(test)

test('npm run tour: it shows the whole life of a session, stays up, and its curl lines do what they say', async (t) => {
  const tour = startTour(t, {})
  const output = await outputUntil(tour, 'Ctrl+C ends it')

  const outcomes = [...output.matchAll(/server → phone +(.*)$/gm)].map(([, outcome]) => outcome)
  const ok = '200'
  const expired = '401  ERR_SESSION_EXPIRED'
  t.deepEqual(outcomes, [
    // The login, the session, and the login once more.
    ...[ok, ok, ok],
    '401  ERR_UNTRUSTED_RAW_DATA',
    // Expired: refused, logged in, sent again.
    ...[expired, ok],
    // Twenty calls at once, of which three are shown.
    ...[ok, ok, ok],
    '401  ERR_LOGIN_REQUIRED',
  ])
  t.regex(output, /and 17 more: 17 × 200/)
  t.is([...output.matchAll(/server → WeChat/g)].length, 4)
  t.regex(output, /in memory/)

  const lines = [...output.matchAll(/^ {2}(curl .*)$/gm)].map(([, line]) => line ?? '')
  t.is(lines.length, 6)
  const statuses = await Promise.all(lines.slice(0, 5).map(runCurl))
  t.deepEqual(statuses, [200, 200, 200, 401, 401])
  t.is(await runCurl(lines[5] ?? ''), 200)
  t.is(await runCurl(lines[1] ?? ''), 401)
})

test('REDIS_URL: with it the tour keeps its sessions there', async (t) => {
  const { url } = redis()

  const output = await outputUntil(startTour(t, { REDIS_URL: url }), 'Ctrl+C ends it')

  t.regex(output, new RegExp(`in Redis at ${new URL(url).host}`))
  t.regex(output, /401 {2}ERR_SESSION_EXPIRED/)
})

test('WEAPP_ID and WEAPP_SECRET: with them the tour waits for real phones', async (t) => {
  const output = await outputUntil(
    startTour(t, { WEAPP_ID: 'wx-test', WEAPP_SECRET: 'of-a-test' }),
    'Ctrl+C ends it',
  )

  t.regex(output, /the real one, for wx-test/)
  t.regex(output, /wx\.login\(/)
  t.notRegex(output, /of-a-test/)
})

test('REDIS_URL: where it is wrong or unreachable, or there is half an account, one clear sentence ends it', async (t) => {
  const notRedis = createServer((_request, response) => response.end('hello'))
  notRedis.listen(0, '127.0.0.1')
  await once(notRedis, 'listening')
  t.teardown(() => notRedis.closeAllConnections())
  t.teardown(() => notRedis.close())
  const mistakes: [Record<string, string>, RegExp][] = [
    [{ REDIS_URL: 'localhost' }, /^REDIS_URL is not a Redis URL/],
    [{ REDIS_URL: 'http://127.0.0.1:6379' }, /^REDIS_URL is not a Redis URL/],
    [
      { REDIS_URL: `redis://:hidden@127.0.0.1:${await freePort()}` },
      /^Redis at 127\.0\.0\.1:\d+ cannot be used \(.*ECONNREFUSED/,
    ],
    [
      { REDIS_URL: `redis://127.0.0.1:${(notRedis.address() as AddressInfo).port}` },
      /^Redis at 127\.0\.0\.1:\d+ cannot be used/,
    ],
    [{ WEAPP_ID: 'wx-test' }, /^The real WeChat needs both WEAPP_ID and WEAPP_SECRET/],
    [{ NODE_ENV: 'production' }, /does not run with NODE_ENV=production/],
    [{ PORT: 'http' }, /^PORT must be a number/],
  ]

  await Promise.all(
    mistakes.map(async ([env, sentence]) => {
      const tour = startTour(t, env)
      const output = await outputUntil(tour, 'never')

      t.is(tour.exitCode, 1)
      t.regex(output, sentence)
      t.is(output.trim().split('\n').length, 1, output)
      t.notRegex(output, /hidden/)
    }),
  )
})

function startTour(t: ExecutionContext, env: Record<string, string>): ChildProcessWithoutNullStreams {
  const { REDIS_URL: _, ...rest } = process.env
  const tour = spawn(process.execPath, ['--import=tsx', 'examples/tour/main.ts'], {
    cwd: root,
    env: { ...rest, PORT: '0', ...env },
  })
  t.teardown(() => tour.kill('SIGKILL'))
  return tour
}

async function runCurl(line: string): Promise<number> {
  const curl = spawn('sh', ['-c', line.replace('curl -i', 'curl -s -o /dev/null -w "%{http_code}"')])
  let output = ''
  curl.stdout.on('data', (text) => {
    output += text
  })
  await once(curl, 'close')
  return Number(output)
}
