import { createClient } from 'redis'

/** ms */
const PATIENCE = 2000

/** Why the Redis of a URL cannot be used, in one sentence; `undefined` when it can. */
export async function redisProblem(url: string): Promise<string | undefined> {
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    return 'REDIS_URL is not a Redis URL: it looks like redis://127.0.0.1:6379.'
  }
  const { host } = new URL(url)
  const reason = await failure(url)
  return (
    reason &&
    `Redis at ${host} cannot be used (${reason}): start it, mend REDIS_URL, or unset it to keep sessions in memory.`
  )
}

async function failure(url: string): Promise<string | undefined> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: PATIENCE } })
  client.on('error', () => {})
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE / 1000} s`)), PATIENCE)
  })
  try {
    await Promise.race([client.connect().then(() => client.ping()), late])
    return undefined
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return message || code || 'unknown error'
  } finally {
    clearTimeout(timer)
    client.destroy()
  }
}
