import type { InspectedApp } from '../inspection.js'
import { isTextUpTo } from '../util/json.js'
import { curlOf } from './curl.js'
import { printTest } from './export.js'
import { FAULTS } from './faults.js'
import type { Journal } from './journal.js'
import type { People } from './people.js'
import type { EventEntry, Situation } from './protocol.js'
import { CHANGES, type Replays } from './replay.js'
import { type Action, ActionError } from './site.js'
import type { Trace } from './trace.js'
import { canReplay } from './view.js'

export interface ActionOptions {
  journal: Journal
  people: People
  replays: Replays
  apps: ReadonlySet<InspectedApp>
  setFaults(faults: Situation['faults']): void
  /** Writes down what was done. */
  happened(event: Happened): void
}

/** An event, without what the journal gives it. */
export type Happened = EventEntry extends infer E
  ? E extends EventEntry
    ? Omit<E, 'type' | 'id' | 'at'>
    : never
  : never

const TEXT_MAX = 256

/** What the buttons of the page do. */
export function createActions(options: ActionOptions): Record<string, Action> {
  const { journal, people, replays, apps, setFaults, happened } = options

  return {
    async users() {
      return { users: await people.views(apps) }
    },

    async revoke(input) {
      const openId = textIn(input, 'openId')
      await Promise.all([...apps].map((app) => app.revoke(openId)))
      happened({ event: 'revoke', openId })
    },

    async end(input) {
      const openId = textIn(input, 'openId')
      const alias = textIn(input, 'session')
      for (const app of apps) {
        const found = (await app.sessionsOf(openId)).find((session) => session.alias === alias)
        if (found) {
          await app.end(found)
          return happened({ event: 'end', openId })
        }
      }
      throw new ActionError(404, 'ERR_INSPECTOR_NO_SESSION')
    },

    faults(input) {
      setFaults({ store: oneOf(FAULTS, input.store), wechat: oneOf(FAULTS, input.wechat) })
    },

    async replay(input) {
      const trace = traceOf(input.id)
      if (!canReplay(trace)) throw new ActionError(409, 'ERR_INSPECTOR_NO_REPLAY')
      await replays.send(trace, oneOf(CHANGES, input.change ?? 'none'))
    },

    curl: (input) => ({ text: curlOf(traceOf(input.id)) }),

    test(input) {
      const ids = Array.isArray(input.ids) ? input.ids : []
      const wanted = new Set(ids)
      const traces = journal
        .entries()
        .filter((entry): entry is Trace => entry.type === 'request' && wanted.has(entry.id))
      if (traces.length === 0) throw new ActionError(404, 'ERR_INSPECTOR_NO_REQUEST')
      return { name: 'trace.test.mjs', text: printTest(traces) }
    },

    clear() {
      journal.clear()
    },
  }

  function traceOf(id: unknown): Trace {
    const entry = typeof id === 'number' ? journal.find(id) : undefined
    if (entry?.type !== 'request') throw new ActionError(404, 'ERR_INSPECTOR_NO_REQUEST')
    return entry
  }
}

function textIn(input: Record<string, unknown>, name: string): string {
  const value = input[name]
  if (!isTextUpTo(TEXT_MAX, value)) throw new ActionError(400, 'ERR_INSPECTOR_BAD_REQUEST')
  return value
}

function oneOf<T>(list: readonly T[], value: unknown): T {
  const found = list.find((known) => known === value)
  if (found === undefined) throw new ActionError(400, 'ERR_INSPECTOR_BAD_REQUEST')
  return found
}
