/** Logins are limited by address in the nginx of our advice, and sessions never are. */
import test, { type ExecutionContext } from 'ava'
import { ensureProgram } from '../../scripts/debian.js'
import { MAGIC_ID } from '../../src/protocol.js'
import { type HttpsAnswer, type HttpsClient, httpsClient } from '../support/https-client.js'
import { advisedSite } from '../support/nginx-advice.js'
import { deployedSite, startSite } from '../support/nginx-site.js'
import { startServer, type TestServer } from '../support/server.js'
import { codeLoginHeaders, codeOnly, loginHeaders, namedPhone } from '../support/wechat.js'

const hasNginx = ensureProgram({ command: 'nginx', versionFlag: '-v', package: 'nginx' })
if (!hasNginx) console.log('There is no nginx, and it cannot be installed here: its tests are skipped.')
const check = hasNginx ? test.serial : test.skip

const RATE = 20
const BURST = 400

/** Requests at a time: nginx has 512 connections here, and each request takes two. */
const AT_ONCE = 40

type Send = (n: number) => Promise<HttpsAnswer>

for (const [name, site] of Object.entries({
  'docs/deployment.md': advisedSite,
  'deploy/nginx.conf': deployedSite,
})) {
  check(`${name}: a flood of logins is limited, for its address alone; a known session is not`, async (t) => {
    const { client, wechat } = await start(t, site())
    const known = await codeLoginHeaders(wechat.phone('alice'))
    const login = await client.send('GET', '/', { from: '127.0.0.9', headers: known })
    t.is(login.status, 200)
    const session = { from: '127.0.0.9', headers: codeOnly(known) }

    const { answers: flood, seconds } = await times(BURST + 300, (n) =>
      client.send('GET', '/', { from: '127.0.0.9', headers: junk(n) }),
    )
    const meanwhile = await times(200, () => client.send('GET', '/', session))
    const next = await times(1, () => client.send('GET', '/', { from: '127.0.0.9', headers: junk(-1) }))
    const neighbour = await codeLoginHeaders(wechat.phone('bob'))
    const elsewhere = await client.send('GET', '/', { from: '127.0.0.8', headers: neighbour })

    const passed = flood.filter(({ status }) => status !== 429).length
    t.log(`${flood.length} logins in ${seconds.toFixed(1)} s: ${passed} passed`)
    t.true(passed >= BURST, `${passed}`)
    t.true(passed <= BURST + 2 + RATE * (seconds + 1), `${passed} in ${seconds} s`)
    t.deepEqual(statuses(meanwhile.answers), [200])
    t.true([401, 429].includes(next.answers[0]?.status ?? 0))
    t.is(elsewhere.status, 200)
  })

  check(`${name}: what is refused is a refusal that every client knows`, async (t) => {
    const { client } = await start(t, site())

    const { answers } = await times(BURST + 200, (n) => client.send('GET', '/', { headers: junk(n) }))

    const refused = answers.find(({ status }) => status === 429)
    t.like(refused?.headers, {
      'retry-after': '5',
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'x-wx-session-error': 'ERR_SESSION_KEY_EXCHANGE_FAILED',
    })
    t.like(JSON.parse(refused?.text ?? '{}'), { [MAGIC_ID]: 1, reason: 'ERR_SESSION_KEY_EXCHANGE_FAILED' })
  })

  check(`${name}: logins are known by either name of their headers, and by the path`, async (t) => {
    const { client, wechat } = await start(t, site())
    const profile = await loginHeaders(namedPhone(wechat, 'alice'))
    const ways: Record<string, Send> = {
      'X-WX-Login': (n) => client.send('GET', '/', { from: '127.0.0.10', headers: junk(n) }),
      'X-WX-RawData': (n) =>
        client.send('GET', '/', { from: '127.0.0.11', headers: { ...profile, 'X-WX-Code': `junk-${n}` } }),
      'Weapp-Login': () =>
        client.send('GET', '/', { from: '127.0.0.12', headers: { 'Weapp-Login': 'code' } }),
      'Weapp-RawData': () =>
        client.send('GET', '/', { from: '127.0.0.13', headers: { 'weapp-rawdata': '%7B%7D' } }),
      loginPath: (n) => client.send('POST', '/login', { from: '127.0.0.14', data: { code: `junk-${n}` } }),
    }

    for (const [way, send] of Object.entries(ways)) {
      const { answers, seconds } = await times(BURST + 150, send)
      const limited = answers.filter(({ status }) => status === 429).length
      t.true(limited > 0 || seconds > 150 / RATE, `${way}: ${limited} in ${seconds} s`)
    }
  })

  // nginx before 1.23 looks at the first of two headers alone.
  check(
    `${name}: an empty header in front of the real one is no way around, for the app refuses it`,
    async (t) => {
      const { client, wechat } = await start(t, site())
      const profile = await loginHeaders(namedPhone(wechat, 'alice'))
      const { 'X-WX-RawData': rawData = '', ...rest } = profile

      const codes = await Promise.all([
        client.send('GET', '/', { headers: { 'X-WX-Code': 'junk', 'X-WX-Login': ['', 'code'] } }),
        client.send('GET', '/', { headers: { ...rest, 'X-WX-RawData': ['', rawData] } }),
        client.send('GET', '/', { headers: { ...rest, 'X-WX-RawData': [' ', rawData] } }),
      ])

      t.deepEqual(statuses(codes), [400])
      t.is(wechat.exchanges, 0)
    },
  )

  check(`${name}: a school behind one address logs in`, async (t) => {
    const { client, wechat } = await start(t, site())
    const pupils = await Promise.all(
      Array.from({ length: BURST }, (_, n) => codeLoginHeaders(wechat.phone(`pupil ${n}`))),
    )

    const { answers } = await times(BURST, (n) => client.send('GET', '/', { headers: pupils[n] ?? {} }))
    const later = await times(BURST * 2, (n) =>
      client.send('GET', '/', { headers: codeOnly(pupils[n % BURST] ?? {}) }),
    )

    t.deepEqual([statuses(answers), statuses(later.answers)], [[200], [200]])
  })
}

interface Started extends TestServer {
  client: HttpsClient
}

async function start(t: ExecutionContext, site: string): Promise<Started> {
  // The machine is busy with other tests: ms for an exchange.
  const server = await startServer(t, { loginPath: '/login', wechat: { timeout: 30_000, concurrency: 1000 } })
  const { host } = new URL(server.url)
  const nginx = await startSite(t, [host, host], site)
  return { ...server, client: httpsClient(t, nginx) }
}

function junk(n: number): Record<string, string> {
  return { 'X-WX-Code': `junk-${n}`, 'X-WX-Login': 'code' }
}

async function times(count: number, send: Send): Promise<{ answers: HttpsAnswer[]; seconds: number }> {
  const began = performance.now()
  const answers: HttpsAnswer[] = []
  let next = 0
  const worker = async () => {
    while (next < count) answers.push(await send(next++))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return { answers, seconds: (performance.now() - began) / 1000 }
}

function statuses(answers: HttpsAnswer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))].sort()
}
