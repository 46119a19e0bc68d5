import { once } from 'node:events'
import { type OwnRedis, startRedis } from '../support/redis.js'

/** A Redis that can be frozen, and that keeps its data over a restart. */
export interface RestartableRedis {
  readonly port: number
  readonly prefix: string
  readonly url: string
  freeze(): void
  thaw(): void
  /** Ends it, after it has saved its data. */
  shutDown(): Promise<void>
  /** Starts it on the same port, with what it has saved. */
  startAgain(): Promise<void>
  /** Removes every key. */
  clear(): Promise<void>
  /** ms until each key that is there ends: -1 for never. */
  lives(): Promise<number[]>
  stop(): Promise<void>
}

/** Keys whose life is asked for at a time. */
const BATCH = 500

export async function startRestartableRedis(): Promise<RestartableRedis> {
  let running: OwnRedis = await startRedis()
  const { port, dir, prefix, url } = running

  return {
    ...{ port, prefix, url },
    freeze: () => void running.server.kill('SIGSTOP'),
    thaw: () => void running.server.kill('SIGCONT'),
    async shutDown() {
      const hasExited = once(running.server, 'exit')
      // It answers by hanging up.
      await running.use((client) => client.sendCommand(['SHUTDOWN', 'SAVE'])).catch(() => {})
      await hasExited
    },
    async startAgain() {
      running = await startRedis(port, dir)
    },
    clear: () => running.use(async (client) => void (await client.flushAll())),
    lives: () =>
      running.use(async (client) => {
        const lives: number[] = []
        for await (const keys of client.scanIterator({ COUNT: BATCH }))
          lives.push(...(await Promise.all(keys.map((key) => client.pTTL(key)))))
        // -2: it has ended between the two commands.
        return lives.filter((life) => life !== -2)
      }),
    stop: () => running.stop(),
  }
}
