import { type Channel, channel } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import type { CarrierKind } from './crypto/ids.js'
import type { SessionRecord } from './stores/store.js'
import type { Faults } from './util/faults.js'

/**
 * What the middleware tells the inspector, and nobody else: who listens here can end sessions and break the store. So it is
 * not one of the public channels (`Diagnostics`), and may change with any version. Like those it is published in the async
 * context of the request, works over several copies of this package, and costs a look at a flag while nobody listens.
 */
export type Inspection =
  /** A request has come in, and is of this middleware. */
  | { kind: 'begin'; request: IncomingMessage; app: InspectedApp }
  /** Whose request it is. No record: a guest without a session, or a user whom the platform names. */
  | { kind: 'identified'; appId: string; record?: SessionRecord }
  /** A login has brought rawData and a signature, and they were compared. */
  | {
      kind: 'signature'
      isGood: boolean
      /** SHA-1 of rawData and the session_key, in hex. */
      expected: string
      /** Undefined in a login whose code had its session already. */
      openId?: string
      /** Whether the signature that came is that of another text. */
      fits(rawData: string): boolean
    }
  /** The handlers are done. What they have left in the session is stored next. */
  | { kind: 'handled' }

/** A `weappSession()`, as the inspector needs it. */
export interface InspectedApp {
  readonly appIds: readonly string[]
  readonly carrier: CarrierKind
  /** The prefix of its header names, beside `X-WX-`. */
  readonly prefix: string
  readonly faults: Faults
  /** The live sessions of a user, in all mini programs. */
  sessionsOf(openId: string): Promise<InspectedSession[]>
  /** Ends one of them. */
  end(session: InspectedSession): Promise<void>
  /** Ends all of them. */
  revoke(openId: string): Promise<void>
}

/** A session as it is stored. */
export interface InspectedSession {
  appId: string
  id: string
  /** What the channels call it. */
  alias: string
  record: SessionRecord
}

/** Its name carries a version: another one may stand beside it. */
export const INSPECTION = 'koa-weapp-session:inspection:1'

export const inspections: Publisher = channel(INSPECTION) as Channel & Publisher

interface Publisher {
  readonly hasSubscribers: boolean
  publish(message: Inspection): void
}
