import type { RedisClient } from '../../src/stores/redis/client.js'
import * as scripts from '../../src/stores/redis/scripts.js'
import { runOutside } from './own-time.js'
import type { Slot } from './scheduler.js'

/** Of the client's functions, those that send no command, or one that is of no request. */
const NO_STEPS = new Set<string | symbol>(['on', 'once', 'off', 'connect', 'destroy', 'duplicate', 'info'])

/** Scripts by their hash: the name of the constant that has it. */
const names = new Map(Object.entries(scripts).map(([name, { sha1 }]) => [sha1, name]))

/** The text of a script that stands in the place of another, by the other's name. */
export type Replaced = Readonly<Record<string, string>>

/** The same client, whose every command is parked before it is sent. */
export function parkedClient(client: RedisClient, slot: Slot, replaced: Replaced): RedisClient {
  const proxy: RedisClient = new Proxy(client, {
    get(target, name) {
      if (name === 'withCommandOptions') return () => proxy
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || typeof name === 'symbol' || NO_STEPS.has(name)) {
        return typeof value === 'function' ? value.bind(target) : value
      }
      return (...args: unknown[]) => {
        const [command, options] = described(name, args)
        const other = replaced[command]
        const send = (): Promise<unknown> =>
          other === undefined || name !== 'evalSha'
            ? Reflect.apply(value, target, args)
            : target.eval(other, args[1] as Parameters<RedisClient['eval']>[1])
        return slot.scheduler.park(slot.actor, { command, key: options, kind: 'command' }, () =>
          runOutside(send),
        )
      }
    },
  })
  return proxy
}

/** What a command is called, and its key. */
function described(name: string, args: unknown[]): [command: string, key: string] {
  if (name !== 'evalSha' && name !== 'eval') return [name, String(args[0] ?? '')]
  const { keys } = args[1] as { keys: string[] }
  return [names.get(String(args[0])) ?? name, keys[0] ?? '']
}
