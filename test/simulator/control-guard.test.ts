import { request } from 'node:http'
import test from 'ava'
import { type Json, startSimulator } from '../support/simulator-server.js'

// What other web sites can do through the browser of whoever runs the simulator.

test('/simulator: a name that somebody’s DNS points here is refused (rebinding), the page too', async (t) => {
  const { url } = await startSimulator(t)
  for (const path of ['/simulator/app', '/simulator', '/simulator/changes', '/', '/simulator/page/page.js']) {
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'a b']) {
      const { status, text } = await send(url, path, { host })
      t.is(status, 403, `${path} for ${host}`)
      t.is((JSON.parse(text) as Json).error.code, 'ERR_FOREIGN_HOST')
    }
  }
  for (const host of ['127.0.0.1', 'localhost:9', '[::1]:4000'])
    t.is((await send(url, '/simulator/app', { host })).status, 200, host)
})

test('/simulator: pages of other origins are refused, whatever they do', async (t) => {
  const { url } = await startSimulator(t)
  const { host } = new URL(url)
  const origins = ['https://evil.example', 'null', 'http://127.0.0.1:1', `http://${host}.evil.example`]
  for (const origin of origins) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const { status, text, headers } = await send(url, '/simulator/users', { host, origin }, method)
      t.deepEqual([status, (JSON.parse(text) as Json).error.code], [403, 'ERR_FOREIGN_ORIGIN'])
      t.is(headers['access-control-allow-origin'], undefined)
    }
  }
  for (const site of ['cross-site', 'same-site'])
    t.is((await send(url, '/simulator/app', { host, 'sec-fetch-site': site })).status, 403, site)
  t.is((await send(url, '/simulator/app', { host, 'sec-fetch-site': 'none' })).status, 200)
  t.is((await send(url, '/simulator/users', { host, origin: `http://${host}` }, 'POST')).status, 201)
})

test('/simulator: a body is JSON and says so, and has 64 KB at most', async (t) => {
  const { url } = await startSimulator(t)
  const { host } = new URL(url)
  const post = (type: string, body: string) =>
    send(
      url,
      '/simulator/users',
      { host, 'content-type': type, 'content-length': `${body.length}` },
      'POST',
      body,
    )
  const codeOf = ({ status, text }: { status: number; text: string }) => [
    status,
    JSON.parse(text).error?.code,
  ]

  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
    t.deepEqual(codeOf(await post(type, '{"name":"x"}')), [415, 'ERR_CONTENT_TYPE'])
  t.deepEqual(codeOf(await post('application/json', '{"name":')), [400, 'ERR_BAD_REQUEST'])
  const big = JSON.stringify({ name: 'x'.repeat(65_536) })
  t.deepEqual(codeOf(await post('application/json', big)), [413, 'ERR_TOO_LARGE'])
  t.is((await post('Application/JSON; charset=utf-8', '{"name":"x"}')).status, 201)
})

test('/simulator: a method that is not for a path is 405, with those that are', async (t) => {
  const { url } = await startSimulator(t)

  const { status, headers } = await send(url, '/simulator/users', { host: '127.0.0.1' }, 'PUT')

  t.deepEqual([status, headers.allow], [405, 'GET, POST'])
})

test('/: the page is framed by nobody, and loads nothing from elsewhere', async (t) => {
  const { url } = await startSimulator(t)

  const response = await fetch(url)

  t.is(response.status, 200)
  const policy = response.headers.get('content-security-policy') ?? ''
  t.regex(policy, /default-src 'none'; script-src 'self';.*frame-ancestors 'none'/)
  t.notRegex(await response.text(), /(src|href)="(?!\/simulator\/page\/|data:)/)
  for (const path of [
    '/simulator/page/none.js',
    '/simulator/page/..%2fpackage.json',
    '/simulator/page/../package.json',
  ])
    t.is((await send(url, path, { host: '127.0.0.1' })).status, 404, path)
})

/** A request with these headers as they are: fetch lets nobody set a Host. */
function send(url: string, path: string, headers: Record<string, string>, method = 'GET', body = '') {
  const { port } = new URL(url)
  type Answer = { status: number; headers: Record<string, unknown>; text: string }
  return new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
        // A stream never ends by itself.
        if (response.headers['content-type'] === 'text/event-stream') response.destroy()
      })
      response.on('close', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
