import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { useRedis } from './support/redis.js'
import { startWechat } from './support/wechat.js'

const root = new URL('../', import.meta.url)
const redis = useRedis(test)

test.serial('doctor: with the right environment it says so, stores nothing, and exits with 0', async (t) => {
  const wechat = startWechat(t)
  const { url, use } = redis()

  const found = await run({ ...(await envOf(wechat)), REDIS_URL: url })

  t.is(found.out, 'ok      doctor: WeChat takes WEAPP_ID and WEAPP_SECRET, and Redis can be used.\n')
  t.is(found.err, '')
  t.is(found.code, 0)
  t.is(await use((client) => client.exists('wxs:check')), 0)
  t.deepEqual(
    wechat.calls.map(({ path }) => path),
    ['/sns/jscode2session'],
  )
})

test.serial('doctor: a line for each problem, with what to do, and 1; no secret is printed', async (t) => {
  const wechat = startWechat(t)
  const env = { ...(await envOf(wechat)), WEAPP_SECRET: 'a-wrong-secret' }

  const found = await run({ ...env, REDIS_URL: 'redis://:a-password@127.0.0.1:1' })

  const lines = found.out.trimEnd().split('\n')
  t.is(lines.length, 2, found.out)
  t.regex(
    lines[0] ?? '',
    /^problem WEAPP_REDIS: Redis cannot be used: .*ECONNREFUSED.* Start Redis, or correct the host and the port\.$/,
  )
  t.regex(
    lines[1] ?? '',
    /^problem WEAPP_40125: WeChat refuses .* The appSecret is wrong or was reset: copy the current one/,
  )
  t.notRegex(found.out + found.err, /a-wrong-secret|a-password/)
  t.is(found.code, 1)
})

test.serial('doctor: without REDIS_URL it warns, and names what is suspicious', async (t) => {
  const wechat = startWechat(t)
  wechat.fail({ errcode: 40013 }, { times: Number.POSITIVE_INFINITY })
  const env = { ...(await envOf(wechat)), WEAPP_ID: '0123456789abcdef0123456789abcdef' }

  const found = await run({ ...env, WEAPP_SECRET: 'wx0123456789abcdef' })

  t.regex(found.out, /^problem WEAPP_40013: WeChat refuses the appId, which does not begin with wx/)
  t.notRegex(found.out, /0123456789abcdef/)
  t.regex(found.out, /^warning WEAPP_CREDENTIALS: appId and appSecret seem to be swapped/m)
  t.regex(found.out, /^warning REDIS_URL: It is not set/m)
  t.is(found.err, '')
  t.is(found.code, 1)
})

test.serial('doctor: what is missing or no URL is a problem that names the variable', async (t) => {
  const cases = [
    [{}, /^problem options: appId is missing: .*appId is WEAPP_ID/],
    [{ WEAPP_ID: 'wx1' }, /appSecret is missing/],
    [
      { WEAPP_ID: 'wx1', WEAPP_SECRET: 's', REDIS_URL: '127.0.0.1:6379' },
      /redisStore\(\) needs.*url is REDIS_URL/,
    ],
  ] as const
  const results = await Promise.all(cases.map(([env]) => run(env)))
  for (const [i, { out, err, code }] of results.entries()) {
    const [, sentence = /./] = cases[i] ?? []
    t.regex(out, sentence)
    t.is(out.trimEnd().split('\n').length, 1)
    t.is(err, '')
    t.is(code, 1)
  }
})

test.serial('doctor: another command, or none, prints how it is used', async (t) => {
  const cases = [[], ['doctor', 'now'], ['--help']]
  const results = await Promise.all(cases.map((args) => run({}, args)))
  for (const [i, { err, code }] of results.entries()) {
    const [word] = cases[i] ?? []
    t.regex(err, /^Usage: npx koa-weapp-session doctor/)
    t.is(code, word === '--help' ? 0 : 2)
  }
})

test.serial(
  'doctor: the package has it as its bin, and what is built begins with a line for the shell',
  async (t) => {
    const { bin, files } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'))
    const source = await readFile(new URL('src/doctor.ts', root), 'utf8')

    t.deepEqual(bin, { 'koa-weapp-session': 'dist/doctor.js' })
    t.true(files.includes('dist'))
    t.true(source.startsWith('#!/usr/bin/env node\n'))
  },
)

interface Found {
  out: string
  err: string
  code: number
}

/** The doctor in a process of its own, which has nothing of this one's environment but PATH. */
async function run(env: Record<string, string>, args: readonly string[] = ['doctor']): Promise<Found> {
  const script = fileURLToPath(new URL('src/doctor.ts', root))
  const child = spawn(process.execPath, ['--import=tsx', script, ...args], {
    cwd: fileURLToPath(root),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { out, err, code: Number(code) }
}

async function envOf(wechat: ReturnType<typeof startWechat>): Promise<Record<string, string>> {
  return {
    WEAPP_ID: wechat.appId,
    WEAPP_SECRET: wechat.appSecret,
    WEAPP_BASE_URL: await wechat.listen(),
  }
}
