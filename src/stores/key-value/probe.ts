import { randomUUID } from 'node:crypto'
import type { Problem } from '../../util/problem.js'
import { warn } from '../../util/warn.js'
import { nothingWhereNoFile } from './entries.js'
import type { KeyValuePort } from './port.js'

const CODE = 'WEAPP_STORE_FORGETS'

/** ms for which what is written on trial is to be kept. */
const LIFE = 60_000

/**
 * Whether the store gives back what it was given. Some have a lifetime of their own in other units, some give back text, and one of
 * another interface may take a write for a read: then each login is refused, and no error says why.
 *
 * @throws what the store throws
 */
export async function findLoss(port: KeyValuePort, prefix: string): Promise<Problem[]> {
  const key = `${prefix}probe:${randomUUID()}`
  const until = Date.now() + LIFE
  const written = { weapp: '"probe"', weappUntil: until }
  await port.set(key, written, until)
  const found = await port.get(key).catch(nothingWhereNoFile)
  await port.remove(key)
  const problem = lossOf(found, written.weapp)
  return problem ? [problem] : []
}

/** The same port, which tries that after its first write, and warns. Nobody waits for it. */
export function warningOfLoss(port: KeyValuePort, prefix: string): KeyValuePort {
  let isTried = false
  return {
    ...port,
    async set(key, entry, until) {
      await port.set(key, entry, until)
      if (isTried) return
      isTried = true
      findLoss(port, prefix).then(
        ([problem]) => problem && warn(CODE, `${problem.message} ${problem.fix}`),
        () => {
          isTried = false
        },
      )
    },
  }
}

function lossOf(found: unknown, weapp: string): Problem | undefined {
  if (!found)
    return {
      code: CODE,
      message: 'The session store has nothing of what was just written to it, so logins are refused.',
      fix: 'Look at the lifetime that it sets by itself, and at its interface: get, set and destroy of koa-session return promises, those of express-session call back.',
    }
  if (typeof found === 'string')
    return {
      code: CODE,
      message: 'The session store gives back text where it was given an object, so logins are refused.',
      fix: 'Let its get() parse what it has read.',
    }
  if ((found as { weapp?: unknown }).weapp === weapp) return undefined
  return {
    code: CODE,
    message: 'The session store gives back something else than it was given, so logins are refused.',
    fix: 'It must keep every field of an entry as it is.',
  }
}
