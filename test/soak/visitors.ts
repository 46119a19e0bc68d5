import { setTimeout as sleep } from 'node:timers/promises'
import type { Wechat } from '../../simulator/src/index.js'
import { namedPhone } from '../support/wechat.js'
import { sendJunk } from './junk.js'
import { chance, oneOf, upTo } from './random.js'
import { TTL, USERS_OF_A_VISITOR, VISITORS } from './settings.js'
import { expectExpired, type Session, type VisitTools, visit } from './visit.js'

/** ms between two visits of a visitor, at most. */
const PAUSE = 300

/** ms after its last use at which a session has ended, also where nobody heard that this use has renewed it. */
const LIFE_MAX = TTL * 1000 + 1000

/** A session that was left to expire. */
interface Left {
  session: Session
  /** Unix ms. */
  over: number
}

/** Visitors come and go until they are stopped. */
export function startVisitors(wechat: Wechat, tools: VisitTools): { stop(): Promise<void> } {
  let isOver = false
  const all = Promise.all(Array.from({ length: VISITORS }, (_, n) => comeAndGo(n)))
  // Whoever stops them hears of it.
  all.catch(() => {})

  return {
    async stop() {
      isOver = true
      await all
    },
  }

  async function comeAndGo(n: number): Promise<void> {
    const phones = Array.from({ length: USERS_OF_A_VISITOR }, (_, user) =>
      namedPhone(wechat, `user ${n}.${user}`),
    )
    let left: Left[] = []
    while (!isOver) {
      await sleep(upTo(PAUSE))
      const phone = oneOf(phones)
      if (chance(0.2)) await sendJunk(oneOf(tools.servers), phone, tools.asking)
      const session = await visit(phone, tools)
      if (session) left.push({ session, over: Date.now() + LIFE_MAX })
      left = await visitExpired(left)
    }
  }

  /** Goes back to those that have expired; the others. */
  async function visitExpired(left: readonly Left[]): Promise<Left[]> {
    const now = Date.now()
    for (const { session, over } of left) if (over < now) await expectExpired(session, tools)
    return left.filter(({ over }) => over >= now)
  }
}
