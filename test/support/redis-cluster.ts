import { rmSync } from 'node:fs'
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

export interface RedisCluster {
  /** Of all six nodes. */
  urls: string[]
  nodes: ClusterNode[]
  /** The living node that serves a key's slot, as another living node sees it. */
  masterOf(key: string): Promise<ClusterNode>
  replicas(): Promise<ClusterNode[]>
  /** Waits until each replica has all that its master has acknowledged so far. */
  replicated(): Promise<void>
  /** A replica takes the place of its master, as an operator asks it to. */
  handOver(master: ClusterNode): Promise<void>
  kill(node: ClusterNode): Promise<void>
  /** Stops a node without ending its connections. Returns a function that lets it go on. */
  freeze(node: ClusterNode): () => void
  /** Starts a killed node again: it has lost its data, and is the replica of whoever took its place. */
  restart(node: ClusterNode): Promise<void>
  /** Waits until every living node sees every slot served, and every replica is linked to its master. */
  healed(): Promise<void>
  stop(): Promise<void>
}

export interface ClusterNode {
  readonly url: string
  readonly port: number
  isAlive: boolean
}

const MASTERS = 3
const SLOTS = 16_384

/** ms without an answer until a node counts as failing; its replica then takes about a second more. */
const NODE_TIMEOUT = 1000

interface RunningNode extends ClusterNode {
  busPort: number
  folder: string
  process: RedisProcess
}

/** Starts a Redis Cluster of three masters with a replica each. */
export async function startCluster(): Promise<RedisCluster> {
  const ports = await freePorts(4 * MASTERS)
  const nodes = Array.from({ length: 2 * MASTERS }, (_, n) =>
    newNode(ports[2 * n] as number, ports[2 * n + 1] as number),
  )
  const alive = () => nodes.filter(({ isAlive }) => isAlive)

  async function stop(): Promise<void> {
    await Promise.all(nodes.map((node) => node.process.end()))
    for (const { folder } of nodes) rmSync(folder, { recursive: true, force: true })
  }

  try {
    await form(nodes)
  } catch (error) {
    await stop()
    throw error
  }

  return {
    urls: nodes.map(({ url }) => url),
    nodes,
    masterOf: (key) => masterOf(alive(), key),
    async replicas() {
      const roles = await Promise.all(alive().map(({ url }) => infoOf(url)))
      return alive().filter((_, n) => roles[n]?.role === 'slave')
    },
    replicated: () => untilReplicated(alive()),
    async handOver({ port }) {
      for (const { url } of alive()) {
        const { role, master_port } = await infoOf(url)
        if (role === 'master' || Number(master_port) !== port) continue
        await command(url, ['CLUSTER', 'FAILOVER'])
        return until(async () => (await infoOf(url)).role === 'master')
      }
      throw new Error(`the master at ${port} has no replica`)
    },
    async kill(node) {
      const killed = node as RunningNode
      killed.isAlive = false
      await killed.process.end()
    },
    freeze(node) {
      const frozen = node as RunningNode
      frozen.isAlive = false
      frozen.process.server.kill('SIGSTOP')
      return () => {
        frozen.process.server.kill('SIGCONT')
        frozen.isAlive = true
      }
    },
    async restart(node) {
      const killed = node as RunningNode
      killed.process = runNode(killed)
      await untilReady(killed.url)
      killed.isAlive = true
    },
    healed: () => untilHealthy(alive()),
    stop,
  }
}

function newNode(port: number, busPort: number): RunningNode {
  const place = { url: `redis://127.0.0.1:${port}`, port, busPort, folder: newFolder(), isAlive: true }
  return { ...place, process: runNode(place) }
}

function runNode({ port, busPort, folder }: Omit<RunningNode, 'process'>): RedisProcess {
  const settings = {
    port,
    dir: folder,
    'cluster-enabled': 'yes',
    // A port of its own: the default, 10000 above, may be taken or no port at all.
    'cluster-port': busPort,
    'cluster-node-timeout': NODE_TIMEOUT,
    // What living masters serve goes on, whatever became of another.
    'cluster-require-full-coverage': 'no',
    'repl-diskless-sync-delay': 0,
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`])
  return runRedis([...args, ...NOTHING_KEPT])
}

/** Makes a cluster of nodes that do not know each other: what `redis-cli --cluster create` does. */
async function form(nodes: RunningNode[]): Promise<void> {
  await Promise.all(nodes.map(({ url }) => untilReady(url)))
  const [first, ...others] = nodes as [RunningNode, ...RunningNode[]]
  const masters = nodes.slice(0, MASTERS)
  for (const [n, { url }] of masters.entries()) {
    const [from, to] = [n, n + 1].map((bound) => Math.floor((bound * SLOTS) / MASTERS)) as [number, number]
    await command(url, ['CLUSTER', 'ADDSLOTSRANGE', `${from}`, `${to - 1}`])
    await command(url, ['CLUSTER', 'SET-CONFIG-EPOCH', `${n + 1}`])
  }
  for (const { port, busPort } of others)
    await command(first.url, ['CLUSTER', 'MEET', '127.0.0.1', `${port}`, `${busPort}`])

  const ids = await Promise.all(masters.map(({ url }) => command(url, ['CLUSTER', 'MYID'])))
  await Promise.all(nodes.map(({ url }) => untilKnown(url, nodes.length)))
  for (const [n, { url }] of nodes.slice(MASTERS).entries())
    await command(url, ['CLUSTER', 'REPLICATE', String(ids[n])])
  await untilHealthy(nodes)
}

async function untilKnown(url: string, count: number): Promise<void> {
  await until(async () => {
    const nodes = String(await command(url, ['CLUSTER', 'NODES']))
    return nodes.trim().split('\n').length === count && !nodes.includes('handshake')
  })
}

/** Every slot is served and every node is a replica that is up to date, or a master. */
async function untilHealthy(nodes: RunningNode[]): Promise<void> {
  for (const { url } of nodes) {
    await until(async () => {
      const info = await infoOf(url)
      const { cluster_state, cluster_slots_ok } = facts(String(await command(url, ['CLUSTER', 'INFO'])))
      const isLinked = info.role === 'master' || info.master_link_status === 'up'
      return cluster_state === 'ok' && Number(cluster_slots_ok) === SLOTS && isLinked
    })
  }
}

async function untilReplicated(nodes: RunningNode[]): Promise<void> {
  const offsets = new Map<number, number>()
  for (const { url, port } of nodes) {
    const { role, master_repl_offset } = await infoOf(url)
    if (role === 'master') offsets.set(port, Number(master_repl_offset))
  }
  for (const { url } of nodes) {
    await until(async () => {
      const { role, master_port, slave_repl_offset } = await infoOf(url)
      return role === 'master' || Number(slave_repl_offset) >= (offsets.get(Number(master_port)) ?? 0)
    })
  }
}

async function masterOf(nodes: RunningNode[], key: string): Promise<RunningNode> {
  for (const { url } of nodes) {
    const slot = Number(await command(url, ['CLUSTER', 'KEYSLOT', key]))
    const ranges = (await command(url, ['CLUSTER', 'SLOTS'])) as [number, number, [string, number]][]
    const range = ranges.find(([from, to]) => from <= slot && slot <= to)
    const master = nodes.find(({ port }) => port === range?.[2][1])
    if (master) return master
  }
  throw new Error(`no living node serves the slot of ${key}`)
}

function command(url: string, args: string[]): Promise<unknown> {
  return withClient(url, (client) => client.sendCommand(args))
}

async function infoOf(url: string): Promise<Record<string, string>> {
  return facts(String(await command(url, ['INFO', 'replication'])))
}

/** The `name:value` lines of INFO and CLUSTER INFO. */
function facts(text: string): Record<string, string> {
  return Object.fromEntries(text.split(/\r?\n/).map((line) => line.split(':', 2)))
}
