import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { populate, testFailOver } from '../support/failover.js'
import { type OwnRedis, startRedis } from '../support/redis.js'
import { startTcpSwitch } from '../support/tcp-switch.js'
import { until } from '../support/until.js'

// As managed Redis fails over: redisStore({ url }) has one address, which leads to the new master.

/** ms until the address leads to the new master, where the old one has died: what notices that takes a while. */
const UNNOTICED = 1000

const ADDRESSES = { 'a name, whose old connections stay': false, 'a proxy, which ends connections': true }

for (const [what, cut] of Object.entries(ADDRESSES)) {
  test.serial(`redisStore({ url }): a master hands over under load, behind ${what}`, (t) =>
    failOver(t, { cut, isPlanned: true }),
  )

  test.serial(`redisStore({ url }): a master is killed under load, behind ${what}`, (t) =>
    failOver(t, { cut, isPlanned: false }),
  )
}

async function failOver(t: ExecutionContext, how: { cut: boolean; isPlanned: boolean }): Promise<void> {
  const { cut, isPlanned } = how
  const [old, next] = await Promise.all([startRedis(), startRedis()])
  const address = await startTcpSwitch(old.port)
  t.teardown(async () => {
    address.stop()
    await Promise.all([old.stop(), next.stop()])
  })
  await follow(next, old)
  const population = await populate(t, { url: `redis://127.0.0.1:${address.port}` })

  await testFailOver(t, {
    population,
    isHit: () => true,
    isPlanned,
    async breakMaster() {
      if (isPlanned) await handOver(old, next)
      else old.server.kill('SIGKILL')
    },
    async promoted() {
      if (!isPlanned) {
        await sleep(UNNOTICED)
        await next.use((client) => client.sendCommand(['REPLICAOF', 'NO', 'ONE']))
      }
      address.leadTo(next.port, { cut })
    },
  })
}

async function follow(replica: OwnRedis, master: OwnRedis): Promise<void> {
  await replica.use(async (client) => {
    await client.configSet('repl-diskless-sync-delay', '0')
    await client.sendCommand(['REPLICAOF', '127.0.0.1', `${master.port}`])
    await until(async () => /master_link_status:up/.test(await client.info('replication')))
  })
}

/** As FAILOVER does it: nothing is written until the replica has everything, and then the two change places. */
async function handOver(old: OwnRedis, next: OwnRedis): Promise<void> {
  await old.use((client) => client.sendCommand(['FAILOVER']))
  await until(async () => /role:master/.test(await next.use((client) => client.info('replication'))))
}
