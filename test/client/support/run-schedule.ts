import type { Session, SessionOptions } from '../../../client/src/types.js'
import { endOf, type ObservedCall } from './observed-call.js'
import type { Command, Schedule } from './schedule.js'
import { createWorld, usualLatency, type World } from './virtual-world.js'

export type CreateSession = (options: SessionOptions) => Session

/** Lives a schedule to its end; resolves to what happened that must not, in words. */
export async function runSchedule(
  schedule: Schedule,
  createSession: CreateSession,
  judge: (world: World) => string[] = () => [],
): Promise<string[]> {
  const { commands, latency, ...settings } = schedule
  const world = createWorld({
    ...settings,
    createSession,
    latency: (random) => Math.min(usualLatency(random), latency),
    isQuick: latency <= 1000,
  })
  const thrown: string[] = []
  try {
    for (const command of commands) {
      try {
        const pending = obey(world, command)
        if (pending !== undefined) await pending
      } catch (error) {
        thrown.push(`${command.do} throws ${error}`)
      }
    }
    await world.settle()
    const judgement = judge(world)
    await world.recover()
    return [...thrown, ...world.violations, ...judgement]
  } finally {
    world.end()
  }
}

/** What failed although nobody ended it, or went without a session that it could have had. */
export function failures({ calls, phone }: World): string[] {
  const without = phone.sent.filter(({ url, code }) => code === undefined && isOptional(url))
  return without.map(({ url }) => `${url} goes without a session`).concat(calls.flatMap(failure))

  function isOptional(url: string): boolean {
    return calls.some(({ n, session, isOurs }) => isOurs && session === 'optional' && url.endsWith(`/n/${n}`))
  }

  function failure(call: ObservedCall): string[] {
    const end = call.ended === undefined ? endOf(call) : undefined
    return end === undefined || end.isSuccess ? [] : [`${call.name} failed: ${end.value}`]
  }
}

/** Does what a command says: at once, if there is nothing to wait for. */
function obey(world: World, command: Command): Promise<void> | undefined {
  const { clock, phone, server } = world
  switch (command.do) {
    case 'tick':
      return Promise.resolve()
    case 'wait':
      return clock.advance(command.ms)
    case 'restart':
      return world.restart()
    case 'call':
      for (let n = 0; n < command.times; n++) world.call(command.plan)
      break
    case 'login':
      world.login()
      break
    case 'logout':
      world.logout()
      break
    case 'cancel all':
      world.cancelAll()
      break
    case 'abort':
      world.abort(command.nth)
      break
    case 'freeze':
      clock.freeze(command.ms)
      break
    case 'expire all':
      server.expireAll()
      break
    case 'expire one':
      server.sessions.expireOne(command.nth)
      break
    case 'rotate':
      server.sessions.rotateNext()
      break
    case 'renew':
      server.sessions.renewNext()
      break
    case 'server':
      server.faults.add(command.fault)
      break
    case 'server well again':
      server.faults.delete(command.fault)
      break
    case 'phone':
      phone.faults.add(command.fault)
      break
    case 'phone well again':
      phone.faults.delete(command.fault)
      break
    case 'hang':
      phone.hang(command.what, command.times)
      break
    case 'background':
      phone.enterBackground()
      break
    case 'foreground':
      phone.enterForeground()
      break
    case 'switch network':
      phone.switchNetwork()
      break
    case 'spoil storage':
      for (const key of phone.storage.keys()) phone.storage.set(key, '{"v":2,"header":7}')
      break
  }
  return undefined
}
