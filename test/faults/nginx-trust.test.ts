/** What an app behind the nginx of our advice believes of a client who forges the headers of proxies. */
import test, { type ExecutionContext } from 'ava'
import Koa from 'koa'
import supertest from 'supertest'
import { ensureProgram } from '../../scripts/debian.js'
import { httpsClient } from '../support/https-client.js'
import { startNginx } from '../support/nginx.js'
import { advisedRealIp, advisedSite } from '../support/nginx-advice.js'
import { deployedSite, type Site, startSite } from '../support/nginx-site.js'
import { listen } from '../support/server.js'

const hasNginx = ensureProgram({ command: 'nginx', versionFlag: '-v', package: 'nginx' })
if (!hasNginx) console.log('There is no nginx, and it cannot be installed here: its tests are skipped.')
const check = hasNginx ? test : test.skip

const FORGED = {
  'X-Forwarded-For': '8.8.8.8, 9.9.9.9',
  'X-Forwarded-Host': 'evil.example',
  'X-Forwarded-Proto': 'gopher',
  'X-Real-IP': '8.8.8.8',
}

const SITES = { 'docs/deployment.md': advisedSite, 'deploy/nginx.conf': deployedSite }

for (const [name, site] of Object.entries(SITES)) {
  // As each page has it, and as somebody has it who left the second option out.
  for (const maxIpsCount of [0, 1]) {
    check(`${name}, maxIpsCount ${maxIpsCount}: what a client says of itself is not believed`, async (t) => {
      const nginx = await startBelieving(t, site(), maxIpsCount)
      const client = httpsClient(t, nginx)
      const truth = {
        ip: '127.0.0.7',
        host: 'localhost',
        protocol: 'https',
        real: '127.0.0.7',
      }

      for (const headers of [{}, FORGED, { 'X-Forwarded-For': '' }, { 'x-forwarded-for': '8.8.8.8' }]) {
        const { status, text } = await client.send('GET', '/', { from: '127.0.0.7', headers })

        t.is(status, 200)
        t.deepEqual(JSON.parse(text), truth, JSON.stringify(headers))
      }
    })
  }
}

check('docs/deployment.md: behind a load balancer, the client is who that has seen', async (t) => {
  const nginx = await startBelieving(t, `${advisedRealIp()}\n${advisedSite()}`, 1)
  const client = httpsClient(t, nginx)
  // The load balancer is 127.0.0.1, and has appended the address of its client to what that sent.
  const headers = { ...FORGED, 'X-Forwarded-For': '8.8.8.8, 203.0.113.5' }

  const through = await client.send('GET', '/', { from: '127.0.0.1', headers })
  const around = await client.send('GET', '/', { from: '127.0.0.7', headers })

  t.like(JSON.parse(through.text), { ip: '203.0.113.5', real: '203.0.113.5', host: 'localhost' })
  // Nobody else is believed.
  t.like(JSON.parse(around.text), { ip: '127.0.0.7', real: '127.0.0.7' })
})

check('where a proxy appends its word, as many did: maxIpsCount takes the last one', async (t) => {
  const appending = ['proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for']

  const ipOf = async (maxIpsCount: number) => {
    const nginx = await startNginx(t, await listen(t, believing(maxIpsCount)), appending)
    return (await supertest(nginx).get('/').set(FORGED)).body.ip
  }

  t.is(await ipOf(0), '8.8.8.8')
  t.is(await ipOf(1), '127.0.0.1')
})

/** An app that says what it believes. */
function believing(maxIpsCount: number): Koa {
  const app = new Koa({ proxy: true, maxIpsCount })
  app.use((ctx) => {
    ctx.body = { ip: ctx.ip, host: ctx.host, protocol: ctx.protocol, real: ctx.get('X-Real-IP') }
  })
  return app
}

async function startBelieving(t: ExecutionContext, site: string, maxIpsCount: number): Promise<Site> {
  const { host } = new URL(await listen(t, believing(maxIpsCount)))
  return startSite(t, [host, host], site)
}
