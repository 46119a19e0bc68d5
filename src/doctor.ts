#!/usr/bin/env node
/** `npx koa-weapp-session doctor`: says what keeps logins from working, in the environment that the server gets. */
import { redisStore, type WeappSession, weappSession } from './index.js'

const USAGE = `Usage: npx koa-weapp-session doctor

Checks WEAPP_ID and WEAPP_SECRET at WeChat, and the Redis of REDIS_URL. Prints a line for each finding,
and exits with 1 when there is a problem.
`

const NAMES =
  'Here appId is WEAPP_ID, appSecret is WEAPP_SECRET, url is REDIS_URL, wechat.baseUrl is WEAPP_BASE_URL.'

const { WEAPP_ID: appId, WEAPP_SECRET: appSecret, WEAPP_BASE_URL, REDIS_URL: url } = process.env
const [command, ...others] = process.argv.slice(2)
if (command === 'doctor' && others.length === 0) process.exitCode = await examine()
else {
  process.stderr.write(USAGE)
  process.exitCode = command === '--help' ? 0 : 2
}

/** @returns the exit code */
async function examine(): Promise<number> {
  const warned = new Map<string, string>()
  // Printed below with the rest, and not by Node.
  process.removeAllListeners('warning')
  process.on('warning', (warning: Error & { code?: string }) => {
    if (warning.code?.startsWith('WEAPP_')) warned.set(warning.code, warning.message)
  })

  const session = start()
  if (!session) return 1
  const { ok, problems } = await session.check()
  await session.close()
  // A warning may be on its way.
  await new Promise(setImmediate)

  for (const { code } of problems) warned.delete(code)
  // The problem has the reason.
  warned.delete('WEAPP_REDIS')
  for (const { code, message, fix } of problems) print('problem', code, `${message} ${fix}`)
  for (const [code, message] of warned) print('warning', code, message)
  if (!url)
    print('warning', 'REDIS_URL', 'It is not set: sessions are kept in memory, and end with the process.')
  if (ok)
    print('ok', 'doctor', `WeChat takes WEAPP_ID and WEAPP_SECRET${url ? ', and Redis can be used' : ''}.`)
  return ok ? 0 : 1
}

function start(): WeappSession | undefined {
  // A person waits, not a request.
  const wechat = { timeout: 8000, ...(WEAPP_BASE_URL && { baseUrl: WEAPP_BASE_URL }) }
  try {
    const stored = url ? { store: redisStore({ url, timeout: 1500 }) } : {}
    return weappSession({ appId, appSecret, wechat, ...stored })
  } catch (error) {
    print('problem', 'options', `${(error as Error).message.replace(/^koa-weapp-session: /, '')}. ${NAMES}`)
    return undefined
  }
}

function print(kind: string, code: string, text: string): void {
  process.stdout.write(`${kind.padEnd(7)} ${code}: ${text.replaceAll('\n', ' ')}\n`)
}
