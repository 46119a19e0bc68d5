import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import type { InspectedApp } from '../inspection.js'
import type { RequestContext } from '../session/session.js'
import { createActions, type Happened } from './actions.js'
import { setFaults } from './faults.js'
import { createJournal } from './journal.js'
import { createMask } from './mask.js'
import { createObserver } from './observer.js'
import { type InspectorOptions, resolveInspectorOptions } from './options.js'
import { createPeople } from './people.js'
import type { EventEntry, Message, Situation } from './protocol.js'
import { createReplays } from './replay.js'
import { createSite } from './site.js'
import { createStreams } from './stream.js'
import { viewOf } from './view.js'

/** The middleware, and what an app can tell it. */
export interface Inspector {
  (ctx: RequestContext, next: () => Promise<unknown>): Promise<void>
  /**
   * Puts a line of your own among what happens: into the request that is handled just now, or, outside of one, between
   * requests.
   *
   * @param ms how long it took, where that is worth telling
   *
   * @example
   * inspect.note('3 orders from the database', 12.5)
   */
  note(text: string, ms?: number): void
  /** Ends the pages' event streams, and listens no more. */
  close(): void
}

/**
 * Shows the requests of your own app at `/__weapp`, with what `weappSession()` did for each; replays them, breaks the store
 * and WeChat on purpose, ends sessions. For development: put it before `weappSession()`, as the first middleware of all.
 * It needs no option of `weappSession()`, and learns of it from the first request.
 *
 * The page answers only to this machine (127.0.0.1), by a name of loopback, to pages from there, and never through a proxy.
 * What it remembers is bounded, and secrets are cut in what it shows.
 *
 * @throws {Error} ERR_INSPECTOR_IN_PRODUCTION with `NODE_ENV=production`
 * @throws {TypeError} when an option makes no sense
 *
 * @example
 * const app = new Koa()
 * if (process.env.NODE_ENV !== 'production') app.use(inspector())
 * app.use(weappSession({ appId, appSecret }))
 */
export function inspector(options: InspectorOptions = {}): Inspector {
  const { path, limit, unmasked } = resolveInspectorOptions(options)
  const mask = createMask(unmasked)
  const journal = createJournal(limit)
  const people = createPeople()
  const streams = createStreams()
  const replays = createReplays()
  const apps = new Set<InspectedApp>()
  /** Another one after each start: a page that comes back knows that all it has is old. */
  const run = randomBytes(8).toString('hex')
  let faults: Situation['faults'] = { store: 'none', wechat: 'none' }

  const observer = createObserver({ journal, people, faults: () => faults, onApp: meet })
  const actions = createActions({ journal, people, replays, apps, setFaults: changeFaults, happened })
  const site = createSite({ path, streams, first, actions })
  journal.onPut((entry) => streams.send(() => ({ entry: viewOf(entry, mask) })))
  journal.onClear(() => streams.send(() => ({ cleared: true })))

  async function inspect(received: RequestContext, next: () => Promise<unknown>): Promise<void> {
    // Whichever framework made it, it is Koa's.
    const ctx = received as Context
    if (site.isOurs(ctx)) return site.answer(ctx)
    await observer.request(ctx, next, replays.originOf(ctx.req))
  }

  return Object.assign(inspect, {
    note(text: string, ms = 0) {
      if (!observer.note(String(text), ms)) happened({ event: 'note', text: String(text) })
    },
    close() {
      observer.close()
      streams.close()
      for (const app of apps) setFaults(app, { store: 'none', wechat: 'none' })
    },
  })

  function meet(app: InspectedApp): void {
    if (apps.has(app)) return
    apps.add(app)
    setFaults(app, faults)
    streams.send(() => ({ situation: situation() }))
  }

  function changeFaults(changed: Situation['faults']): void {
    faults = changed
    for (const app of apps) setFaults(app, faults)
    happened({ event: 'faults', faults })
    streams.send(() => ({ situation: situation() }))
  }

  function happened(event: Happened): void {
    journal.put({ type: 'event', id: journal.nextId(), at: Date.now(), ...event } as EventEntry)
  }

  function situation(): Situation {
    return { faults, apps: Array.from(apps, ({ appIds, carrier }) => ({ appIds: [...appIds], carrier })) }
  }

  function* first(): Iterable<Message> {
    yield { run, situation: situation() }
    for (const entry of journal.entries()) yield { entry: viewOf(entry, mask) }
  }
}
