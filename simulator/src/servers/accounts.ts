import { randomInt } from 'node:crypto'

import type { Clock } from '../clock.js'
import { namedProfile, type UserProfile } from '../user-info.js'
import { openIdOf, randomSessionKey } from './ids.js'

/** A WeChat user as WeChat knows them: one per name, on however many phones. */
export interface User {
  readonly name: string
  readonly openId: string
  readonly unionId: string | undefined
  profile: UserProfile
  phoneNumber: string
  /** How risky WeChat thinks they are. */
  risk: Risk
  /** When they last used the mini program (ms since 1970), if they ever did. */
  visitedAt: number | undefined
  /** The one valid session_key of this user, if they ever obtained a code. */
  sessionKey: SessionKey | undefined
  /** They have closed their account, and not come back. */
  hasLeft: boolean
}

/** 0 is harmless, 4 the riskiest: developers.weixin.qq.com/miniprogram/dev/server/API/sec-center/safety-control-capability/api_getuserriskrank.html */
export type Risk = 0 | 1 | 2 | 3 | 4

/** A session_key, with the time (ms since 1970) that its age counts from. */
export interface SessionKey {
  readonly text: string
  readonly madeAt: number
}

/** How session_keys age. */
export interface SessionKeyAges {
  /** Milliseconds that a key stays, however many codes are obtained. */
  sessionKeyMinAge: number
  /** Milliseconds after which a key is no longer valid. */
  sessionKeyMaxAge: number
}

export interface Accounts {
  /** The user of that name, who is made if need be. */
  user(name: string): User
  /** A user that nobody has named. */
  newUser(): User
  byOpenId(openId: string): User | undefined
  /** Who there is, in the order they came. */
  all(): User[]
  /** The user of that name, if there is one. */
  find(name: string): User | undefined
  /** Forgets the user of that name: from then on their openid is nobody's. */
  remove(name: string): void
  /** The user uses the mini program now. */
  visit(user: User): void
  /** The user closes their account: nobody knows them until they log in again. */
  end(user: User): void
  /** What obtaining a code does: a new session_key may take the old one's place. */
  renewSessionKey(user: User): void
  /** Another key that expires when the old one would have. */
  resetSessionKey(user: User): string
  /** The text of the user's key while it is valid. */
  validSessionKey(user: User): string | undefined
}

/** Everybody who has this WeChat, and their session_keys. */
export function createAccounts(options: {
  /** Who they are to the servers. */
  openIdOf: (name: string) => string
  unionIds: boolean
  ages: SessionKeyAges
  clock: Clock
  keep: (secret: string) => void
}): Accounts {
  const { unionIds, clock, keep } = options
  const { sessionKeyMinAge, sessionKeyMaxAge } = options.ages
  const users = new Map<string, User>()
  let unnamed = 0

  return {
    user,

    newUser() {
      do unnamed += 1
      while (users.has(`user ${unnamed}`))
      return user(`user ${unnamed}`)
    },

    byOpenId(openId) {
      return [...users.values()].find((user) => user.openId === openId && !user.hasLeft)
    },

    visit(user) {
      user.visitedAt = clock.now()
    },

    end(user) {
      user.hasLeft = true
      user.sessionKey = undefined
    },

    all: () => [...users.values()],
    find: (name) => users.get(name),
    remove: (name) => void users.delete(name),

    renewSessionKey(user) {
      user.hasLeft = false
      const age = ageOfKey(user)
      if (age >= sessionKeyMinAge || age >= sessionKeyMaxAge) setKey(user, clock.now())
    },

    resetSessionKey(user) {
      return setKey(user, user.sessionKey?.madeAt ?? clock.now())
    },

    validSessionKey(user) {
      return ageOfKey(user) < sessionKeyMaxAge ? user.sessionKey?.text : undefined
    },
  }

  function user(name: string): User {
    const known = users.get(name)
    if (known !== undefined) return known

    const made: User = {
      name,
      openId: options.openIdOf(name),
      unionId: unionIds ? openIdOf('unionid', name) : undefined,
      profile: namedProfile(name),
      phoneNumber: `138${randomInt(10_000_000, 100_000_000)}`,
      risk: 0,
      visitedAt: undefined,
      sessionKey: undefined,
      hasLeft: false,
    }
    users.set(name, made)
    return made
  }

  function ageOfKey(user: User): number {
    return user.sessionKey === undefined ? Number.POSITIVE_INFINITY : clock.now() - user.sessionKey.madeAt
  }

  function setKey(user: User, madeAt: number): string {
    const text = randomSessionKey()
    user.sessionKey = { text, madeAt }
    keep(text)
    return text
  }
}
