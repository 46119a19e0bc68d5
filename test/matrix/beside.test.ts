/** Other people's software beside the session, on the same `wx`. */
import { createServer, type IncomingMessage } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import type { Session } from '../../client/src/index.js'
import type { RequestOptions, WechatOptions, Wx } from '../../simulator/src/index.js'
import { originalClient } from '../support/original-client.js'
import { listenTo } from '../support/server.js'
import { until } from '../support/until.js'
import { get } from './support/compiled.js'
import { type Installed, install } from './support/install.js'
import { bundleRecipe, miniProgramGlobals, runModule } from './support/mini-program.js'
import { type Scene, startScene } from './support/server.js'
import { atOnce, type Came, inOf, saidBy, storm } from './support/storm.js'

let installed: Installed

test.before('libraries: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('libraries')
})

test.after.always(() => installed?.remove())

test('sentry-miniapp beside the session: 50 at start and 20 in mid-expiry, all in, and every report arrives without it', async (t) => {
  const scene = await startScene(t)
  const reports: IncomingMessage['headers'][] = []
  const sentry = createServer((request, response) => {
    reports.push(request.headers)
    response.end('{}')
  })
  const dsn = (await listenTo(t, sentry)).replace('://', '://key@')
  Object.assign(scene.phone.wx, { getSystemInfoSync: () => ({ system: 'iOS 18.5' }) })
  const code = await bundleRecipe('sentry-miniapp', installed.folder, scene.url)
  const globals = miniProgramGlobals(scene.phone.wx, { getCurrentPages: () => [] })
  // It wraps the timers of what it takes for the global object.
  globals.self = globals
  const { session, Sentry } = runModule<{ session: Session; Sentry: { captureMessage(text: string): void } }>(
    code.replace('https://key@sentry.example.com', dsn),
    globals,
  )
  let sent = 0

  await storm(t, scene, () => {
    Sentry.captureMessage(`report ${++sent}`)
    return get(session)
  })

  await until(() => reports.length === sent)
  t.log(`${reports.length} of ${sent} reports`)
  for (const headers of reports)
    t.deepEqual(
      Object.keys(headers).filter((name) => /^(weapp-|x-wx-|authorization|cookie)/.test(name)),
      [],
    )
})

for (const when of ['before', 'after'] as const) {
  test(`a monitor that wraps wx.request ${when} the session is made: 50 at start and 20 in mid-expiry, all in`, async (t) => {
    const scene = await startScene(t)
    const { wx } = scene.phone
    const code = await bundleRecipe('session-alone', installed.folder, scene.url)
    const early = when === 'before' && monitor(wx)
    const { session } = runModule<{ session: Session }>(code, miniProgramGlobals(wx))
    const seen = early || monitor(wx)

    await storm(t, scene, () => get(session))

    t.deepEqual(seen, { requests: scene.phone.counts.request, ended: scene.phone.counts.request })
  })
}

// A session_key stays for a while in WeChat. It has to, for the client of 2016: it signs with the key of the latest login.
test('the client of 2016 beside the session: 50 at start and 20 in mid-expiry, all in, with a login of each', async (t) => {
  const { scene, session, old } = await besideTheOld(t, { sessionKeyMinAge: 60_000 })
  let turn = 0

  await storm(t, scene, () => (++turn % 2 ? get(session) : old()), 2)
})

test('the client of 2016 beside the session, where each wx.login makes a new session_key: it may fail, the session does not', async (t) => {
  const { scene, session, old } = await besideTheOld(t)

  for (const count of [50, 20]) {
    if (count === 20) scene.endSessionAt(count)
    const [ours, theirs] = await Promise.all([atOnce(count, () => get(session)), atOnce(count, old)])
    t.log(`${inOf(ours, scene)} of ${count} of the session in; of the client of 2016 ${inOf(theirs, scene)}`)
    t.is(inOf(ours, scene), count, saidBy(ours))
  }
})

async function besideTheOld(t: ExecutionContext, options?: WechatOptions) {
  const scene = await startScene(t, options)
  const code = await bundleRecipe('session-alone', installed.folder, scene.url)
  const { session } = runModule<{ session: Session }>(code, miniProgramGlobals(scene.phone.wx))
  const request = originalClient(scene.phone)
  const old = (): Promise<Came> =>
    new Promise((resolve, reject) => {
      const success = ({ data }: { data: unknown }) =>
        resolve({ status: 200, ...(data as { openId: string }) })
      request({ url: `${scene.url}/me`, success, fail: reject })
    })
  return { scene, session, old }
}

/** What monitors of requests do: they put a call of their own in the place of `wx.request`, and listen to how it ends. */
function monitor(wx: Scene['phone']['wx']): { requests: number; ended: number } {
  const seen = { requests: 0, ended: 0 }
  const original: Wx['request'] = wx.request
  const request = (options: RequestOptions) => {
    seen.requests += 1
    return original({
      ...options,
      complete(outcome) {
        seen.ended += 1
        options.complete?.(outcome)
      },
    })
  }
  Object.defineProperty(wx, 'request', { configurable: true, value: request })
  return seen
}
