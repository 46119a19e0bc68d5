import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type Link, openLink } from '../support/histories/link.js'
import type { Ledger } from './ledger.js'
import type { Figures, Message, Question } from './messages.js'
import { CONNECTIONS, type ServerSettings } from './settings.js'

/** A server process, with its own way to Redis. */
export interface Server {
  readonly name: string
  readonly url: string
  readonly carrier: ServerSettings['carrier']
  readonly isCached: boolean
  /** To Redis. */
  readonly link: Link
  /** For all requests to this server. */
  readonly agent: Agent
  /** Figures after forced collections. */
  measure(): Promise<Figures>
  /** Writes the heap to a file. */
  snapshot(file: string): Promise<void>
  stop(): Promise<void>
}

export interface ServerOptions {
  settings: Omit<ServerSettings, 'store'> & { store: Omit<ServerSettings['store'], 'url'> }
  redisPort: number
  ledger: Ledger
}

const SCRIPT = fileURLToPath(new URL('./server.ts', import.meta.url))

/**
 * What V8 itself adds to the heap, and takes from it, is kept still, so that what is left is ours.
 *
 * - `--no-opt`, `--no-maglev`: it goes on for long with making faster code of functions that few requests call, and with
 *   what it needs to go back from that. (Measured: of 450 KB in five minutes, nearly all was that; strings had become fewer.)
 * - `--no-flush-bytecode`: it throws away code that several collections have found unused, and compiles it again. With a
 *   forced collection each minute, that is code of the last fault: the heap would go up and down by it.
 */
const FLAGS = [
  '--import=tsx',
  '--expose-gc',
  '--no-opt',
  '--no-maglev',
  '--no-flush-bytecode',
  '--no-warnings',
]

export async function startServer({ settings, redisPort, ledger }: ServerOptions): Promise<Server> {
  const { carrier, cacheMax } = settings
  const isCached = cacheMax !== undefined
  const name = isCached ? `${carrier} (cached)` : carrier
  const link = await openLink(redisPort)
  const store = { ...settings.store, url: link.url }
  const child = fork(SCRIPT, {
    execArgv: FLAGS,
    env: { ...process.env, SETTINGS: JSON.stringify({ ...settings, store }) },
  })
  const hasExited = once(child, 'exit')
  let isStopping = false
  child.on('message', (message: Message) => {
    if (message.kind === 'warning') ledger.wrong(`${name} warns: ${message.text}`)
  })
  const url = await urlOf(child)
  child.on('exit', (code) => {
    if (!isStopping) ledger.wrong(`${name} has ended, with exit code ${code}`)
  })
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

  return {
    ...{ name, url, carrier, isCached, link, agent },
    measure: () => ask(child, { kind: 'measure' }),
    snapshot: async (file) => void (await ask(child, { kind: 'snapshot', file })),
    async stop() {
      isStopping = true
      agent.destroy()
      child.kill('SIGKILL')
      await hasExited
      link.close()
    },
  }
}

async function urlOf(child: ChildProcess): Promise<string> {
  const message = await nextMessage(child, 'url')
  return message.url
}

async function ask(child: ChildProcess, question: Question): Promise<Figures> {
  child.send(question)
  const { figures } = await nextMessage(child, 'figures')
  return figures
}

/** Rejects when the server ends instead. */
function nextMessage<Kind extends Message['kind']>(
  child: ChildProcess,
  kind: Kind,
): Promise<Extract<Message, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('a server of the soak has ended'))
    const listen = (message: Message) => {
      if (message.kind !== kind) return
      child.off('message', listen)
      child.off('exit', ended)
      resolve(message as Extract<Message, { kind: Kind }>)
    }
    child.on('message', listen)
    child.on('exit', ended)
  })
}
