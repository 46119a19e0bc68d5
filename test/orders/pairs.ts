import type { Deed, Pair } from './scene.js'
import type { Setting } from './world.js'

export interface Task {
  pair: Pair
  setting: Setting
}

const DEEDS: Deed[] = [
  'login',
  'login by another code',
  'write',
  'rotate',
  'logout',
  'revoke',
  'renewal',
  'guest write',
  'guest rotate',
  'guest login',
]

/** Where the code is the credential, nothing is rotated and nobody is a guest. */
const DEEDS_BY_CODE: Deed[] = ['login', 'login by another code', 'write', 'logout', 'revoke', 'renewal']

export function task(pair: Pair, setting: Partial<Setting> = {}): Task {
  const rolling = pair.includes('renewal')
  return { pair, setting: { carrier: 'header', rolling, isOtherFirst: false, replaced: {}, ...setting } }
}

/** Every two of the requests. */
export function everyTask(): Task[] {
  return [
    ...pairsOf(DEEDS).map((pair) => task(pair)),
    task(['guest login', 'guest login again']),
    // Where a login needs room, and whose it takes tells something.
    task(['login', 'rotate'], { isOtherFirst: true }),
    task(['guest login', 'rotate'], { isOtherFirst: true }),
    ...pairsOf(DEEDS_BY_CODE).map((pair) => task(pair, { carrier: 'code' })),
  ]
}

/** Those in which most has gone wrong so far. */
export function tellingTasks(): Task[] {
  const pairs: Pair[] = [
    ['rotate', 'rotate'],
    ['rotate', 'logout'],
    ['rotate', 'write'],
    ['guest write', 'guest login'],
    ['revoke', 'rotate'],
    ['revoke', 'login'],
    ['login', 'login'],
  ]
  return pairs.map((pair) => task(pair))
}

function pairsOf(deeds: Deed[]): Pair[] {
  return deeds.flatMap((one, index) => deeds.slice(index).map((other): Pair => [one, other]))
}
