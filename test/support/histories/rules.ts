import { type History, type Operation, showOperation } from './history.js'
import { checkAnswer } from './rules/answers.js'
import { checkCensus } from './rules/census.js'
import { checkEnds } from './rules/ends.js'
import { checkExchange } from './rules/exchange.js'
import { checkExpiry } from './rules/expiry.js'
import { checkFarewells } from './rules/farewells.js'
import { checkIdentity } from './rules/identity.js'
import { checkLosses } from './rules/losses.js'
import { checkTakers } from './rules/takers.js'
import { checkWrites } from './rules/writes.js'
import { type Session, sessionsOf } from './sessions.js'

/** What the servers were told, and what the rules need of it. */
export interface Settings {
  openIds: ReadonlyMap<string, string>
  maxSessionsPerUser: number
  /** ms */
  ttl: number
  /** ms that a renewed session lives at most; none when sessions are not renewed. */
  maxAge?: number
  /** ms after which a login is believed to be dead. */
  lease: number
}

/** Something that must not happen, and did. */
export interface Violation {
  /** To see what happened to them. */
  user: string
  text: string
}

/** All that a rule may look at, and how it says that it was broken. */
export interface Scene {
  history: History
  settings: Settings
  sessions: Session[]
  violate(user: string, text: string, ...shown: Operation[]): void
}

/** Looks at one session, among all. */
export type Rule = (session: Session, scene: Scene) => void

/** ms that clocks, and times taken a little early or late, may differ. */
export const SLACK = 100

/** What must never happen, whatever happens. `B` comes after `A` only if it began when A's answer had arrived. */
export function violationsOf(history: History, settings: Settings): Violation[] {
  const violations: Violation[] = []
  const sessions = sessionsOf(history)
  const scene: Scene = {
    history,
    settings,
    sessions,
    violate(user, text, ...shown) {
      const lines = shown.map((operation) => `  ${showOperation(operation)}`)
      violations.push({ user, text: [text, ...lines].join('\n') })
    },
  }

  for (const operation of history.operations) checkAnswer(operation, scene)
  for (const session of sessions) for (const check of RULES) check(session, scene)
  for (const census of history.censuses) checkCensus(census, scene)
  return violations
}

const RULES: Rule[] = [
  checkIdentity,
  checkExchange,
  checkEnds,
  checkTakers,
  checkFarewells,
  checkExpiry,
  checkWrites,
  checkLosses,
]
