import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  freePorts,
  NOTHING_KEPT,
  newFolder,
  type RedisProcess,
  runRedis,
  untilReady,
  withClient,
} from './redis.js'
import { until } from './until.js'

/** A master named `mymaster`, and two replicas. */
export interface RedisSentinel {
  /** Of the three sentinels, on 127.0.0.1. */
  ports: number[]
  /** Port of the master, in the opinion of the first sentinel. */
  master(): Promise<number>
  /** Waits until each replica has all that the master has acknowledged so far. */
  replicated(): Promise<void>
  killMaster(): Promise<void>
  /** Stops the master without ending its connections. Returns a function that lets it go on. */
  freezeMaster(): Promise<() => void>
  /** Makes a replica the master, as an operator does for maintenance. */
  handOver(): Promise<void>
  /**
   * Waits until the first sentinel says that the master is another one (`+switch-master`). It gives out the new address up to
   * two seconds before, while it tells the other replicas; node-redis waits for this.
   */
  switched(before: number): Promise<void>
  /** Waits until all sentinels agree on a master that lives, are done, and every living replica follows it. */
  healed(): Promise<void>
  stop(): Promise<void>
}

const NAME = 'mymaster'
const REPLICAS = 2
const SENTINELS = 3

interface DataNode {
  url: string
  port: number
  process: RedisProcess
  isAlive: boolean
}

/** Starts a master, its replicas, and the sentinels that watch over them. */
export async function startSentinel(): Promise<RedisSentinel> {
  const folder = newFolder()
  const ports = await freePorts(1 + REPLICAS + SENTINELS)
  const [masterPort, ...others] = ports as [number, ...number[]]
  const [replicaPorts, sentinelPorts] = [others.slice(0, REPLICAS), others.slice(REPLICAS)]
  const dataNodes = [
    runDataNode(masterPort, folder),
    ...replicaPorts.map((port) => runDataNode(port, folder, masterPort)),
  ]
  const sentinels: RedisProcess[] = []
  const alive = () => dataNodes.filter(({ isAlive }) => isAlive)

  async function stop(): Promise<void> {
    await Promise.all([...dataNodes.map(({ process }) => process), ...sentinels].map(({ end }) => end()))
    rmSync(folder, { recursive: true, force: true })
  }

  async function masterNode(): Promise<DataNode> {
    const port = await masterSeenBy(sentinelPorts[0] as number)
    const node = dataNodes.find((node) => node.port === port)
    if (!node) throw new Error(`the sentinels name a master at ${port}, where there is none of ours`)
    return node
  }

  try {
    await Promise.all(dataNodes.map(({ url }) => untilReady(url)))
    // Only then: a sentinel that meets a master without replicas takes 10 s to hear of them.
    await untilFollowing(dataNodes, masterPort)
    sentinels.push(...sentinelPorts.map((port) => runSentinel(port, folder, masterPort)))
    await Promise.all(sentinelPorts.map(untilInformed))
  } catch (error) {
    await stop()
    throw error
  }

  return {
    ports: sentinelPorts,
    master: async () => (await masterNode()).port,
    async replicated() {
      const { url, port } = await masterNode()
      const { master_repl_offset: offset } = await infoOf(url)
      await untilFollowing(alive(), port, Number(offset))
    },
    async killMaster() {
      const master = await masterNode()
      master.isAlive = false
      await master.process.end()
    },
    async freezeMaster() {
      const { server } = (await masterNode()).process
      server.kill('SIGSTOP')
      return () => void server.kill('SIGCONT')
    },
    async handOver() {
      const url = `redis://127.0.0.1:${sentinelPorts[0]}`
      await withClient(url, (client) => client.sendCommand(['SENTINEL', 'FAILOVER', NAME]))
    },
    async switched(before) {
      const first = sentinelPorts[0] as number
      await until(async () => {
        const { flags, port } = await factsSeenBy(first)
        return flags === 'master' && Number(port) !== before
      })
    },
    async healed() {
      for (const port of sentinelPorts) {
        await until(async () => {
          const seen = await masterSeenBy(port)
          const { flags } = await factsSeenBy(port)
          return (
            flags === 'master' &&
            seen === (await masterNode()).port &&
            alive().some((node) => node.port === seen)
          )
        })
      }
      await untilFollowing(alive(), (await masterNode()).port)
    },
    stop,
  }
}

function runDataNode(port: number, folder: string, masterPort?: number): DataNode {
  const following = masterPort ? ['--replicaof', `127.0.0.1 ${masterPort}`] : []
  const args = ['--port', `${port}`, '--dir', folder, '--repl-diskless-sync-delay', '0', ...NOTHING_KEPT]
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    process: runRedis([...args, ...following]),
    isAlive: true,
  }
}

/** A sentinel keeps what it learns in its configuration file, and so needs one. */
function runSentinel(port: number, folder: string, masterPort: number): RedisProcess {
  const file = join(folder, `sentinel-${port}.conf`)
  const settings = `port ${port}
bind 127.0.0.1
dir ${folder}
sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2
sentinel down-after-milliseconds ${NAME} 1000
sentinel failover-timeout ${NAME} 5000
sentinel parallel-syncs ${NAME} 1
`
  writeFileSync(file, settings)
  return runRedis([file, '--sentinel'])
}

/** Waits until a sentinel knows all of the others and all replicas. */
async function untilInformed(port: number): Promise<void> {
  const url = `redis://127.0.0.1:${port}`
  await untilReady(url)
  // On a busy machine a sentinel would think that its clock has jumped, and do nothing for 30 s.
  await command(url, ['SENTINEL', 'DEBUG', 'tilt-trigger', '20000', 'publish-period', '200'])
  await until(async () => {
    const { 'num-slaves': replicas, 'num-other-sentinels': others } = await factsSeenBy(port)
    return Number(replicas) === REPLICAS && Number(others) === SENTINELS - 1
  })
}

/** Waits until all nodes but the master follow it, and have what it had at this offset. */
async function untilFollowing(nodes: DataNode[], masterPort: number, offset = 0): Promise<void> {
  for (const { url, port } of nodes) {
    if (port === masterPort) continue
    await until(async () => {
      // A sentinel that makes a node a replica cuts its connections, this one too.
      const { master_link_status, master_port, slave_repl_offset } = await infoOf(url).catch(() => NOTHING)
      return (
        master_link_status === 'up' &&
        Number(master_port) === masterPort &&
        Number(slave_repl_offset) >= offset
      )
    })
  }
}

const NOTHING: Record<string, string> = {}

async function factsSeenBy(sentinelPort: number): Promise<Record<string, string>> {
  const facts = await command(`redis://127.0.0.1:${sentinelPort}`, ['SENTINEL', 'MASTER', NAME])
  return facts as Record<string, string>
}

async function masterSeenBy(sentinelPort: number): Promise<number> {
  const address = await command(`redis://127.0.0.1:${sentinelPort}`, [
    'SENTINEL',
    'GET-MASTER-ADDR-BY-NAME',
    NAME,
  ])
  return Number((address as [string, string])[1])
}

function command(url: string, args: string[]): Promise<unknown> {
  return withClient(url, (client) => client.sendCommand(args))
}

/** What a server says of its replication. */
async function infoOf(url: string): Promise<Record<string, string>> {
  const text = String(await command(url, ['INFO', 'replication']))
  return Object.fromEntries(text.split(/\r?\n/).map((line) => line.split(':', 2)))
}
