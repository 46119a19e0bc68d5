/**
 * `npm start`: One stroke in your browser. A server, a simulated WeChat with two phones, and an inspector that shows
 * what goes on between them.
 *
 * PORT        default 3000; any other when it is taken
 * REDIS_URL   keeps sessions in that Redis, instead of in memory
 */
import { fileURLToPath } from 'node:url'
import { redisProblem } from '../tour/redis.js'
import { startDemo } from './web/server/demo.js'

const { REDIS_URL, NODE_ENV } = process.env
const port = Number(process.env.PORT ?? 3000)
const folder = process.env.ONE_STROKE_FOLDER ?? fileURLToPath(new URL('../../.one-stroke', import.meta.url))

const problem = await findProblem()
if (problem) {
  console.error(problem)
  process.exit(1)
}

const demo = await startDemo({ port, folder, redisUrl: REDIS_URL })
console.log(`
  一笔到底 · One stroke

  open      ${demo.url}
  sessions  ${REDIS_URL ? `in Redis at ${new URL(REDIS_URL).host}` : 'in memory (REDIS_URL=redis://… keeps them in Redis)'}
  drawings  in ${folder}
  WeChat    simulated

  Ctrl+C ends it. In the terminal instead: npm run tour
`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await demo.close()
    process.exit(0)
  })
}

async function findProblem(): Promise<string | undefined> {
  if (NODE_ENV === 'production') {
    return 'This demo simulates WeChat, which lets anybody in: it does not run with NODE_ENV=production.'
  }
  if (!Number.isInteger(port) || port < 0 || port > 65535) return 'PORT must be a number from 0 to 65535.'
  return REDIS_URL === undefined ? undefined : redisProblem(REDIS_URL)
}
