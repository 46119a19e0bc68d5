import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Wechat } from '../../../simulator/src/index.js'
import { type ProcessOptions, type ServerProcess, startProcess } from '../processes.js'
import type { OwnRedis } from '../redis.js'
import { type Link, openLink } from './link.js'

/** A server process, with its own way to Redis. */
export interface Server {
  readonly name: string
  readonly process: ServerProcess
  readonly link: Link
  readonly agent: Agent
}

/** Several servers, one of which may be killed at any moment: another takes its place. */
export interface Fleet {
  readonly links: readonly Link[]
  /** The nth of those that run; waits for one when there is none. */
  server(nth: number): Promise<Server>
  /** Kills the nth, unless it is the last one that runs. */
  kill(nth: number): Server | undefined
  /** Stops the nth in the middle of what it does, and lets it go on `ms` later. */
  freeze(nth: number, ms: number): Server | undefined
  /** Resolves when no server is frozen, and there are two at least. */
  isWell(): Promise<void>
  /** Kills all, and breaks all links. */
  close(): Promise<void>
}

export interface FleetOptions {
  wechat: Wechat
  redis: OwnRedis
  options: NonNullable<ProcessOptions['options']>
  keys?: ProcessOptions['keys']
  /** ms for one call of the store. */
  storeTimeout: number
  /** ms */
  exchangeTimeout: number
}

const SIZE = 3

export async function startFleet(t: ExecutionContext, fleetOptions: FleetOptions): Promise<Fleet> {
  const { wechat, redis, options, keys, storeTimeout, exchangeTimeout } = fleetOptions
  const links: Link[] = []
  const frozen = new Map<Server, Promise<void>>()
  const starting = new Set<Promise<Server>>()
  let started = 0
  const running = await Promise.all(Array.from({ length: SIZE }, start))
  // One that waits, because a start takes much longer than all that happens meanwhile.
  let spare = start()

  return { links, server, kill, freeze, isWell, close }

  function start(): Promise<Server> {
    const server = startServer()
    starting.add(server)
    server.then(() => starting.delete(server))
    return server
  }

  async function startServer(): Promise<Server> {
    started++
    const name = `S${started}`
    const link = await openLink(redis.port)
    links.push(link)
    const store = { url: link.url, prefix: redis.prefix, timeout: storeTimeout }
    const process = await startProcess(t, { wechat, store, options, exchangeTimeout, ...(keys && { keys }) })
    return { name, process, link, agent: new Agent({ keepAlive: true }) }
  }

  async function server(nth: number): Promise<Server> {
    while (running.length === 0) await sleep(20)
    return running[nth % running.length] as Server
  }

  function kill(nth: number): Server | undefined {
    if (running.length < 2) return undefined
    const [server] = running.splice(nth % running.length, 1)
    server?.process.kill('SIGKILL')
    server?.agent.destroy()
    spare.then((next) => running.push(next))
    spare = start()
    return server
  }

  function freeze(nth: number, ms: number): Server | undefined {
    const server = running[nth % running.length]
    if (!server || frozen.has(server)) return undefined
    server.process.kill('SIGSTOP')
    const thaw = sleep(ms).then(() => {
      server.process.kill('SIGCONT')
      frozen.delete(server)
    })
    frozen.set(server, thaw)
    return server
  }

  async function isWell(): Promise<void> {
    await Promise.all(frozen.values())
    while (running.length < 2) await sleep(20)
  }

  async function close(): Promise<void> {
    await Promise.all([...frozen.values(), ...starting])
    for (const server of [...running, await spare]) {
      server.process.kill('SIGKILL')
      server.agent.destroy()
      await server.process.exit
    }
    for (const link of links) link.close()
  }
}
