import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Koa from 'koa'
import type { Phone } from 'weapp-simulator'

/** Something to try with an example. */
export interface Trial {
  what: string
  /** `GET /me` */
  call: string
  /** Who calls; default: nobody. Logs in by a code. */
  phone?: Phone
  headers?: Record<string, string>
}

/** Serves an example at PORT (default 3000, or any other when that one is taken), and prints what to try. */
export async function tryIt(app: Koa, trials: Trial[]): Promise<void> {
  const url = await listen(createServer(app.callback()), Number(process.env.PORT ?? 3000))
  console.log(`The server is up at ${url}. Try it:`)
  for (const trial of trials) console.log(`\n  # ${trial.what}\n  ${await lineOf(trial, url)}`)
  console.log('\nCtrl+C ends it.')
}

async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw error
    return listen(server, 0)
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function lineOf({ call, phone, headers = {} }: Trial, url: string): Promise<string> {
  const [method = 'GET', path = '/'] = call.split(' ')
  const all = { ...headers, ...(phone && { 'Weapp-Code': await codeOf(phone), 'Weapp-Login': 'code' }) }
  const flags = Object.entries(all).map(([name, value]) => `-H '${name}: ${value}' `)
  return `curl -i ${method === 'GET' ? '' : `-X ${method} `}${flags.join('')}${url}${path}`
}

function codeOf({ wx }: Phone): Promise<string> {
  return new Promise((done, fail) => wx.login({ success: ({ code }) => done(code), fail }))
}
