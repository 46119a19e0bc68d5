import * as scripts from '../../src/stores/redis/scripts.js'
import { type Task, task } from './pairs.js'
import type { Deed } from './scene.js'
import type { CarrierName } from './world.js'

/** A fault of the store that was put there on purpose, and the pair of requests that finds it. */
export interface Planted {
  what: string
  script: string
  task: Task
  /** Whether it takes a crash, or an answer that is lost or late, to be seen. */
  needsFault: boolean
}

interface Plan {
  script: string
  /** What is written in the place of what. */
  change: [from: string, to: string]
  pair: [Deed, Deed]
  isOtherFirst?: boolean
  carrier?: CarrierName
  needsFault?: boolean
}

const texts = new Map(Object.entries(scripts).map(([name, { text }]) => [name, text]))

const PLANS: Record<string, Plan> = {
  'END does not follow the successor': {
    script: 'END',
    change: ['{ value and 1 or 0, next }', "{ value and 1 or 0, '' }"],
    pair: ['rotate', 'logout'],
  },
  'END does not write': {
    script: 'END',
    change: ["redis.call('DEL', KEYS[1])", "if true then return { value and 1 or 0, '' } end"],
    pair: ['write', 'logout'],
  },
  'UPDATE does not compare': {
    script: 'UPDATE',
    change: ['if rev ~= expectedRev then return value end', ''],
    pair: ['write', 'write'],
  },
  'UPDATE revives what has ended': {
    script: 'UPDATE',
    change: [
      "if not rev then return 'ended' end",
      "if not rev then rev, expires = expectedRev, '9999999999999' end",
    ],
    pair: ['write', 'logout'],
  },
  'TAKE leaves the session where it was': {
    script: 'TAKE',
    change: [
      "if not string.match(value, '^%d+ %d+\\n') then return false end",
      'if true then return value end',
    ],
    pair: ['rotate', 'rotate'],
  },
  'TAKE ignores who has it': {
    script: 'TAKE',
    change: ['return isMine and session', 'return session'],
    pair: ['rotate', 'rotate'],
  },
  'PUT_BACK does nothing': {
    script: 'PUT_BACK',
    change: ["redis.call('DEL', KEYS[1])", "if true then return 'session' end"],
    pair: ['rotate', 'write'],
    needsFault: true,
  },
  'REVOKE leaves no time': {
    script: 'REVOKE',
    change: ["redis.call('HSET', KEYS[1], 'revoked', print(now))", ''],
    pair: ['login', 'revoke'],
  },
  'ABANDON lets a late create come after it': {
    script: 'ABANDON',
    change: ['if value ~= abandoned then', "if true then return 'abandoned' end\nif true then"],
    pair: ['rotate', 'guest write'],
    needsFault: true,
  },
  'RESOLVE_CLAIM does not compare': {
    script: 'RESOLVE_CLAIM',
    change: ["if redis.call('GET', KEYS[1]) ~= claim then return 0 end", ''],
    pair: ['login', 'login'],
    carrier: 'code',
    needsFault: true,
  },
  'ENROLL counts a session and its successor': {
    script: 'ENROLL',
    change: ["redis.call('HSET', KEYS[1], replacedId, print(-ends))", ''],
    pair: ['login', 'rotate'],
    isOtherFirst: true,
  },
  'ENROLL lets nobody make room': {
    script: 'ENROLL',
    change: ['for i = 1, #live do', 'for i = 1, 0 do'],
    pair: ['login', 'login by another code'],
  },
  'CLAIM is always granted': {
    script: 'CLAIM',
    change: ['if value then return value end', ''],
    pair: ['login', 'login'],
  },
  'REPLACE does not compare': {
    script: 'REPLACE',
    change: ["if (redis.call('GET', KEYS[1]) or '') ~= expected then return 0 end", ''],
    pair: ['rotate', 'logout'],
  },
}

export function planted(): Planted[] {
  return Object.entries(PLANS).map(
    ([what, { script, change, pair, isOtherFirst = false, carrier = 'header', needsFault = false }]) => {
      const text = texts.get(script) ?? ''
      const [from, to] = change
      if (!text.includes(from)) throw new Error(`${script} has changed: plant '${what}' anew`)
      return {
        what,
        script,
        needsFault,
        task: task(pair, { carrier, isOtherFirst, replaced: { [script]: text.replace(from, to) } }),
      }
    },
  )
}
