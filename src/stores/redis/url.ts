import { optionError } from '../../util/option-error.js'

/**
 * The URL of `redisStore({ url })`, with the database in its path. The scheme's registration allows both `/2` and `?db=2`
 * (iana.org/assignments/uri-schemes/prov/redis), and node-redis passes over the second.
 *
 * @throws {TypeError} for what is no URL of Redis, and for a database that would silently be another
 */
export function checkedUrl(url: unknown): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  if (!parsed || !/^rediss?:$/.test(parsed.protocol))
    throw optionError(
      'redisStore() needs a { client } of the packages redis, ioredis or iovalkey, or a { url } like redis://127.0.0.1:6379',
    )
  const inPath = parsed.pathname.replace(/^\//, '')
  const inQuery = parsed.searchParams.get('db')
  if (!/^\d*$/.test(inPath)) throw optionError(`${PATH}: after the host there is something else`)
  if (inQuery === null) return String(url)
  if (!/^\d+$/.test(inQuery)) throw optionError(`${PATH}: ?db= has something else`)
  if (inPath !== '' && Number(inPath) !== Number(inQuery))
    throw optionError(`${PATH}: the path names ${inPath}, and ?db= names ${inQuery}`)
  parsed.pathname = `/${inQuery}`
  parsed.searchParams.delete('db')
  return parsed.href
}

const PATH = 'redisStore({ url }) must name the database by a number, such as redis://127.0.0.1:6379/2'
