/**
 * One model of what a client must see, compared with every carrier on every store: logins, data, rotations, logouts,
 * revocations, ends by time and a store that fails, in any order, one after the other. What happens at the same time is
 * in carriers.test.ts, rotate.test.ts and faults/histories.test.ts.
 */
import test, { type ExecutionContext } from 'ava'
import session from 'express-session'
import fc from 'fast-check'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { fromExpressStore } from '../src/stores/express/index.js'
import { connectRedis } from './support/connect-redis.js'
import { useRedis } from './support/redis.js'
import { checkAll, commands } from './support/session-model/commands.js'
import { FAULTS } from './support/session-model/faults.js'
import { emptyModel, type Model } from './support/session-model/model.js'
import { type System, type SystemOptions, startSystem } from './support/session-model/system.js'
import { CARRIERS, type CarrierName } from './support/visitor.js'

const redis = useRedis(test)
const SEED = Number(process.env.WEAPP_SEED ?? 20_160_909)
/** For each carrier on each store: others for each. */
const RUNS = 8

type Stores = Pick<SystemOptions, 'stores' | 'truth'>

const STORES: Record<string, (t: ExecutionContext) => Stores | Promise<Stores>> = {
  'memoryStore()': () => shared(memoryStore()),
  'redisStore()': () => {
    const { options } = redis()
    return { stores: [redisStore(options), redisStore(options)] }
  },
  'redisStore({ cache })': (t) => {
    const { options } = redis()
    const truth = redisStore(options)
    t.teardown(() => truth.close?.())
    const cached = { ...options, cache: true }
    return { stores: [redisStore(cached), redisStore(cached)], truth }
  },
  'fromExpressStore(MemoryStore)': () => inExpress(new session.MemoryStore()),
  'fromExpressStore(connect-redis)': async (t) => inExpress(await connectRedis(t, redis())),
}

for (const [i, carrier] of (Object.keys(CARRIERS) as CarrierName[]).entries()) {
  for (const [j, [where, makeStores]] of Object.entries(STORES).entries()) {
    test.serial(`${carrier}Carrier() on ${where}: sessions are what the model says`, async (t) => {
      const stores = await makeStores(t)
      const system = await startSystem(t, { carrier, makeCarrier: CARRIERS[carrier], ...stores })

      const { failed, counterexample, errorInstance } = await check(system, RUNS, { seed: SEED + 10 * i + j })

      t.false(failed, `${counterexample?.map(String)}\n${(errorInstance as Error)?.stack}`)
    })
  }
}

for (const [fault, { store: spoil = same, carrier: bend = same }] of Object.entries(FAULTS)) {
  test.serial(`model: it finds ${fault}`, async (t) => {
    const makeCarrier = () => bend(CARRIERS.header())
    const system = await startSystem(t, { carrier: 'header', makeCarrier, ...shared(memoryStore()), spoil })

    const { failed, numRuns } = await check(system, 500, { endOnFailure: true })

    t.true(failed)
    t.log(`found in run ${numRuns}`)
  })
}

function same<T>(one: T): T {
  return one
}

function check(
  system: System,
  numRuns: number,
  parameters: { seed?: number; endOnFailure?: boolean },
): Promise<fc.RunDetails<[Iterable<fc.AsyncCommand<Model, System>>]>> {
  const property = fc.asyncProperty(commands(), async (steps) => {
    system.startAnew()
    const model = emptyModel()
    await fc.asyncModelRun(() => ({ model, real: system }), steps)
    await checkAll(model, system)
  })
  return fc.check(property, { numRuns, seed: SEED, ...parameters })
}

function shared(store: SessionStore): Stores {
  return { stores: [store, store] }
}

function inExpress(store: Parameters<typeof fromExpressStore>[0]): Stores {
  // The machine is busy with other tests.
  const options = { timeout: 20_000 }
  return { stores: [fromExpressStore(store, options), fromExpressStore(store, options)] }
}
