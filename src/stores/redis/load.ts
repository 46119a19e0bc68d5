/**
 * The package `redis`, which only those need who give a URL or use the cache. The `catch` stands at the import itself: by
 * that, bundlers see that it may be missing.
 *
 * @throws {Error} that says what to install
 */
export function loadRedis(): Promise<typeof import('redis')> {
  return import('redis').catch((cause: unknown) => {
    throw new Error("redisStore({ url }) needs the package 'redis': npm install redis", { cause })
  })
}
