import type { ServerFault } from './model-server.js'
import type { CarrierName } from './model-sessions.js'
import type { Hanging, PhoneFault } from './virtual-phone.js'
import type { CallPlan, Profile } from './virtual-world.js'

/**
 * A life of a mini program, as plain data. Commands follow each other in the same turn; a `tick` lets promises take
 * one step, a `wait` lets them go as far as they can.
 */
export interface Schedule {
  seed: number
  profile: Profile
  /** ms */
  deadline: number
  /** ms */
  loginTimeout: number
  /** The kind of the server. */
  carrier: CarrierName
  /** Whether that is the server of 2016. */
  isOld: boolean
  hasHeaderEvents: boolean
  /** Whether `wx` is wrapped by others. */
  isOdd: boolean
  /** ms for one way, at most. */
  latency: number
  commands: Command[]
}

export type Command =
  | { do: 'call'; times: number; plan: Required<CallPlan> }
  | { do: 'login' | 'logout' | 'cancel all' | 'expire all' | 'background' | 'foreground' | 'switch network' }
  | { do: 'rotate' | 'renew' }
  | { do: 'restart' | 'spoil storage' | 'tick' }
  | { do: 'abort' | 'expire one'; nth: number }
  | { do: 'wait' | 'freeze'; ms: number }
  | { do: 'server' | 'server well again'; fault: ServerFault }
  | { do: 'phone' | 'phone well again'; fault: PhoneFault }
  | { do: 'hang'; what: Hanging; times: number }

/** A schedule to read, and to find a bug by. */
export function show({ commands, ...settings }: Schedule): string {
  return [JSON.stringify(settings), ...commands.map((command) => `  ${showCommand(command)}`)].join('\n')
}

/** Leaves out every command that the bug does not need: fast-check's own shrinking keeps the last ones. */
export async function shorten(
  schedule: Schedule,
  isBad: (schedule: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  for (const [n] of schedule.commands.entries()) {
    const shorter = { ...schedule, commands: schedule.commands.toSpliced(n, 1) }
    if (await isBad(shorter)) return shorten(shorter, isBad)
  }
  return schedule
}

function showCommand(command: Command): string {
  const { do: what, ...rest } = command
  if (command.do !== 'call') return [what, ...Object.values(rest)].join(' ')
  const { api, method, to, body, style, isThrowing, session } = command.plan
  const verb = api === 'request' ? `${method} ${body} ` : ''
  return `call ${command.times}× ${verb}${api} to ${to}, ${session}, ${style}${isThrowing ? ', throwing' : ''}`
}
