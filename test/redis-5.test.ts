/** What the store itself takes from the package `redis`, where that is version 5: clients for a URL, and the cache. */
import test from 'ava'
import { useRedis } from './support/redis.js'
import { runScript } from './support/run-script.js'

const redis = useRedis(test)

/** `redis` is `redis-5`, as npm calls it here. */
const HOOK = `export async function resolve(name, context, next) {
  return next(name === 'redis' ? 'redis-5' : name, context)
}`

test('redisStore({ url, cache }): with redis 5 it keeps every promise of a store, and hears of changes', async (t) => {
  const { url, prefix } = redis()
  const { code, stderr } = await runScript(
    t,
    `const { register } = await import('node:module')
     register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOK)}), '${import.meta.url}')
     const { storeContract } = await import('${new URL('../src/testing/index.ts', import.meta.url)}')
     const { create } = await import('${new URL('./support/store-contract.ts', import.meta.url)}')
     const { until } = await import('${new URL('./support/until.ts', import.meta.url)}')
     const settings = { url: '${url}', prefix: '${prefix}', timeout: 5000, cache: { maxAge: 60 } }
     const [one, other] = [redisStore(settings), redisStore(settings)]
     await Promise.all(storeContract.map(({ run }) => run(one)))
     const { id, user } = await create(one)
     await until(async () => {
       await one.read(id)
       return one.peek(id) !== undefined
     })
     await other.end(id, user)
     await until(() => one.peek(id) === undefined)
     await one.close()
     await other.close()`,
  )

  t.is(code, 0, stderr)
})
