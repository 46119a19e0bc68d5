import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))

test('basic: a server that knows who is calling', async (t) => {
  const { curls } = await start(t, 'basic')

  const [nobody, alice, again] = [await run(curls[0]), await run(curls[1]), await run(curls[1])]

  t.deepEqual(nobody, { status: 200, body: { user: null } })
  t.is(alice.status, 200)
  t.is(typeof alice.body.user.openId, 'string')
  t.deepEqual(again, alice)
})

test('router: routes for everybody, for users, and for some users', async (t) => {
  const { curls } = await start(t, 'router')
  const [everybody, stranger, bob, bobEnds, aliceEnds, logout] = curls

  t.deepEqual(await run(everybody), { status: 200, body: { hello: 'stranger' } })
  t.is((await run(stranger)).body.reason, 'ERR_LOGIN_REQUIRED')
  t.deepEqual((await run(bob)).body, { visits: 1 })
  t.deepEqual((await run(bob)).body, { visits: 2 })
  t.is((await run(bobEnds)).status, 403)
  t.deepEqual((await run(logout)).body, { loggedOut: true })
  t.is((await run(logout)).body.reason, 'ERR_SESSION_EXPIRED')
  t.deepEqual((await run(aliceEnds)).body, { ended: true })
  t.is((await run(bob)).body.reason, 'ERR_SESSION_EXPIRED')
})

test('multi-app: one server, two mini programs', async (t) => {
  const { curls } = await start(t, 'multi-app')
  const [inShop, atWork, stray, other, withoutHeader] = await Promise.all(curls.map(run))

  t.is(inShop?.body.program, 'shop')
  t.is(atWork?.body.program, 'staff')
  t.not(inShop?.body.user.openId, atWork?.body.user.openId)
  t.is(inShop?.body.user.unionId, atWork?.body.user.unionId)
  t.is(stray?.body.reason, 'ERR_SESSION_KEY_EXCHANGE_FAILED')
  t.is(other?.body.reason, 'ERR_BAD_REQUEST')
  t.is(withoutHeader?.body.program, 'shop', 'whoever leaves the header out is no staff')
  t.deepEqual(
    [inShop, atWork, withoutHeader].map((answer) => answer?.body.user.appId),
    [inShop?.body.user.appId, atWork?.body.user.appId, inShop?.body.user.appId],
  )
  t.not(inShop?.body.user.appId, atWork?.body.user.appId)
})

test('metrics: logins, refusals and exchanges are counted, and nobody is named', async (t) => {
  const { curls } = await start(t, 'metrics')
  const [alice, madeUp, metrics] = curls
  const { openId } = (await run(alice)).body.user
  await run(madeUp)

  const { body } = await run(metrics)

  t.regex(body, /^weapp_login_seconds_count\{appId="wx\w+",isNew="true"\} 1$/m)
  t.regex(body, /^weapp_refusals_total\{reason="ERR_SESSION_KEY_EXCHANGE_FAILED",status="401"\} 1$/m)
  t.regex(body, /^weapp_exchange_seconds_count\{appId="wx\w+",outcome="ok"\} 1$/m)
  t.regex(body, /^weapp_exchange_seconds_count\{appId="wx\w+",outcome="40029"\} 1$/m)
  t.false(body.includes(openId))
})

test('examples/: each is started with one command, and fits on a screen', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const examples = Object.keys(scripts).filter((name) => name.startsWith('example:'))

  t.true(examples.length >= 4)
  for (const name of examples) {
    const [file = ''] = /examples\/[\w/-]+\.ts/.exec(scripts[name]) ?? []
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length
    t.true(lines <= 80, `${file} has ${lines} lines`)
  }
})

interface Running {
  child: ChildProcess
  /** The lines that it says one may try. */
  curls: string[]
}

/** Starts an example, on the sources: the built package may be in the making for another test. */
async function start(t: ExecutionContext, name: string): Promise<Running> {
  const child = spawn(process.execPath, ['--import=tsx', `examples/${name}/main.ts`], {
    cwd: root,
    env: {
      ...process.env,
      PORT: '0',
      TSX_TSCONFIG_PATH: join(root, 'test/support/sources.tsconfig.json'),
    },
  })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', () => output.includes('Ctrl+C ends it') && resolve())
    child.on('exit', () => reject(new Error(`${name} ended: ${output}`)))
  })
  // WeChat's gateway drops those, and what stands here is copied.
  t.notRegex(output, /X-WX-/i)
  return { child, curls: [...output.matchAll(/^ {2}(curl .*)$/gm)].map(([, line]) => line ?? '') }
}

// biome-ignore lint/suspicious/noExplicitAny: what each example answers is its own.
async function run(line: string | undefined): Promise<{ status: number; body: any }> {
  const curl = spawn('sh', ['-c', (line ?? 'false').replace('curl -i', "curl -s -w '\\n%{http_code}'")])
  let output = ''
  curl.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await once(curl, 'close')
  const at = output.lastIndexOf('\n')
  const text = output.slice(0, at)
  return { status: Number(output.slice(at)), body: text.startsWith('{') ? JSON.parse(text) : text }
}
