import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestOptions, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import Koa from 'koa'
import { inspector } from '../../src/inspector/index.js'

test('inspector(): a server of HTTPS is asked again over HTTPS, by whatever name its certificate has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weapp-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string]
  const subject = ['-nodes', '-days', '2', '-subj', '/CN=dev.example.com']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  const app = new Koa()
  const inspect = inspector()
  t.teardown(() => inspect.close())
  app.use(inspect)
  app.use(async (ctx) => {
    ctx.body = await text(ctx.req)
  })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const send = async (path: string, options: RequestOptions, body?: string) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      path,
      rejectUnauthorized: false,
      agent: false,
      ...options,
    })
    sent.end(body)
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    return { status: response.statusCode, text: await text(response) }
  }

  t.is((await send('/a', { method: 'POST' }, 'hello')).text, 'hello')
  const origin = `https://127.0.0.1:${port}`
  const headers = { 'Content-Type': 'application/json', Origin: origin }
  t.deepEqual(await send('/__weapp/replay', { method: 'POST', headers }, '{"id":1}'), {
    status: 200,
    text: '{}',
  })
  t.regex((await send('/__weapp/curl', { method: 'POST', headers }, '{"id":2}')).text, /--insecure.*'hello'/)
  // The same port without TLS is another origin.
  const other = { ...headers, Origin: origin.replace('https', 'http') }
  t.is((await send('/__weapp/replay', { method: 'POST', headers: other }, '{"id":1}')).status, 403)
})
