import type { Clock } from '../../clock.js'
import type { User } from '../accounts.js'
import type { Limit } from '../endpoint.js'

/** "Each user 100 times per minute": developers.weixin.qq.com/community/develop/doc/000e0677a0c5b8c88698ef54d56800 */
export const EXCHANGES_OF_A_USER: Limit = { max: 100, per: 'minute', of: 'user', errcode: 45011 }

/** Counts an exchange of a user, and says whether it is one too many in this minute. */
export function createUserLimit(clock: Clock): (user: User) => boolean {
  const exchangeTimes = new Map<User, number[]>()

  return (user) => {
    const aMinuteAgo = clock.now() - 60_000
    const times = (exchangeTimes.get(user) ?? []).filter((time) => time > aMinuteAgo)
    times.push(clock.now())
    exchangeTimes.set(user, times)
    return times.length > EXCHANGES_OF_A_USER.max
  }
}
