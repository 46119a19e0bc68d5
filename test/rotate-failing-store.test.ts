import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { memoryStore, redisStore, type SessionStore } from '../src/index.js'
import { useRedis } from './support/redis.js'
import { loggedIn, serve } from './support/rotations.js'
import { startServer } from './support/server.js'
import { until } from './support/until.js'
import { CARRIERS } from './support/visitor.js'

const redis = useRedis(test)

const STORES: Record<string, () => SessionStore> = {
  memory: () => memoryStore(),
  redis: () => redisStore(redis().options),
}

// What a store does wrong, it does for each carrier.
for (const [carrier, where] of [
  ['header', 'memory'],
  ['header', 'redis'],
  ['jwt', 'memory'],
] as const) {
  const makeStore = STORES[where] as () => SessionStore
  for (const step of ['claim', 'take', 'create', 'refuse', 'putBack'] as const) {
    for (const trouble of ['fails', 'fails twice', 'is answered late'] as const) {
      test(`rotate(): nobody is logged out where ${step} ${trouble} (${carrier}, ${where})`, async (t) => {
        const troubled =
          trouble === 'is answered late'
            ? late(makeStore(), step)
            : failing(makeStore(), step, trouble === 'fails' ? 1 : 2)
        // The trouble shall be that of the step, and not that of connecting.
        await until(() =>
          troubled.store.read('connected').then(
            () => true,
            () => false,
          ),
        )
        const server = await startServer(t, {
          carrier: CARRIERS[carrier](),
          store: troubled.store,
          handler: serve,
        })
        const alice = await loggedIn(server, 'alice')
        await alice.get('/put?one=1')

        troubled.begin(step === 'refuse' || step === 'putBack')
        const response = await alice.get('/rotate')

        t.true([200, 503].includes(response.status), String(response.status))
        // What is put back behind the answer may take a moment.
        let later = response
        await until(async () => {
          later = await alice.get()
          return later.status === 200
        })
        t.deepEqual(later.body.data, { one: '1' })
      })
    }
  }
}

type Step = 'claim' | 'take' | 'create' | 'refuse' | 'putBack'

interface Troubled {
  store: SessionStore
  /** From now on there is trouble; `alsoCreate`: what has to be undone needs a create that fails. */
  begin(alsoCreate: boolean): void
}

/** A store of which one step takes no effect, and says so, as often as that. */
function failing(inner: SessionStore, step: Step, times: number): Troubled {
  let left = 0
  return troubledBy(inner, step, 2000, {
    begin: () => {
      left = times
    },
    during: (work) => (left-- > 0 ? Promise.reject(new Error(`no ${step}`)) : work()),
  })
}

/** ms that a store is waited for: more than a step takes while the machine is busy, since each of the others shall be in time. */
const PATIENCE = 1500

/** A store of which one step takes effect, and is answered when nobody waits any more. */
function late(inner: SessionStore, step: Step): Troubled {
  let isLate = false
  return troubledBy(inner, step, PATIENCE, {
    begin: () => {
      isLate = true
    },
    async during(work) {
      const result = await work()
      if (isLate) {
        isLate = false
        await sleep(2 * PATIENCE)
        // Where this process stood still meanwhile, the deadline has its turn before this one.
        await setImmediate()
      }
      return result
    },
  })
}

interface Trouble {
  begin(): void
  /** What becomes of a step. */
  during(work: () => Promise<unknown>): Promise<unknown>
}

function troubledBy(inner: SessionStore, step: Step, timeout: number, trouble: Trouble): Troubled {
  let creates = 0
  const store: SessionStore = {
    ...inner,
    timeout,
    create: async (session) =>
      creates-- > 0 ? Promise.reject(new Error('no create')) : inner.create(session),
  }
  const work = store[step] as (...args: unknown[]) => Promise<unknown>
  Object.assign(store, { [step]: async (...args: unknown[]) => trouble.during(() => work(...args)) })
  return {
    store,
    begin(alsoCreate) {
      trouble.begin()
      creates = alsoCreate ? 1 : 0
    },
  }
}
