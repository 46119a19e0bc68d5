import type { IncomingMessage } from 'node:http'
import type { CarrierKind } from './crypto/ids.js'
import { type Diagnostics, diagnostics } from './diagnostics.js'
import { type InspectedApp, inspections } from './inspection.js'
import type { MiniProgram } from './mini-program.js'
import type { RequestSession } from './session/request-session.js'
import { TrustedSession } from './session/trusted-session.js'
import type { SessionRecord, SessionStore } from './stores/store.js'
import type { Faults } from './util/faults.js'

/** Tells of requests, where somebody listens. */
export interface Witness {
  /** Whether somebody wants to know. Ask before anything is measured. */
  isHeard(): boolean
  begun(request: IncomingMessage): void
  /** The request is that of `session`. `ms`: how long that took to find out. */
  identified(of: Identified, ms: number): void
  handled(): void
}

interface Identified {
  program: MiniProgram | undefined
  session: RequestSession | TrustedSession | undefined
  isLogin: boolean
}

export interface WitnessOptions {
  programs: ReadonlyMap<string, MiniProgram>
  carrier: CarrierKind
  /** The prefix of the header names. */
  prefix: string
  store: Pick<SessionStore, 'list'>
  faults: Faults
}

const identities = diagnostics('identify')

export function createWitness({ programs, carrier, prefix, store, faults }: WitnessOptions): Witness {
  const appIds = [...programs.keys()]
  const app: InspectedApp = { appIds, carrier, prefix, faults, sessionsOf, end, revoke }

  return {
    isHeard: () => identities.hasSubscribers || inspections.hasSubscribers,
    begun(request) {
      if (inspections.hasSubscribers) inspections.publish({ kind: 'begin', request, app })
    },
    identified({ program, session, isLogin }, ms) {
      const isTrusted = session instanceof TrustedSession
      const record = isTrusted ? undefined : session?.session?.record
      const appId = isTrusted ? session.user.appId : program?.appId
      if (identities.hasSubscribers) {
        const by = byOf(session, isLogin)
        const whose = isTrusted ? session.user : record?.user
        const id = isTrusted ? undefined : session?.session?.id
        const alias = (appId === undefined ? undefined : programs.get(appId))?.alias
        identities.publish({
          ...{ by, carrier, ms },
          ...(appId !== undefined && { appId }),
          ...(alias && whose && { user: alias(whose.openId) }),
          ...(alias && id !== undefined && { session: alias(id) }),
          ...(record && { expires: record.expires }),
        })
      }
      if (appId !== undefined && inspections.hasSubscribers)
        inspections.publish({ kind: 'identified', appId, ...(record && { record }) })
    },
    handled() {
      if (inspections.hasSubscribers) inspections.publish({ kind: 'handled' })
    },
  }

  async function sessionsOf(openId: string) {
    const lists = [...programs.values()].map(async ({ appId, alias, userId, sessions }) => {
      const listed = await store.list(userId(openId))
      return listed
        .filter(({ record }) => sessions.isLive(record))
        .map(({ id, record }) => ({ appId, id, alias: alias(id), record }))
    })
    return (await Promise.all(lists)).flat()
  }

  async function end({ appId, id, record }: { appId: string; id: string; record: SessionRecord }) {
    await programs.get(appId)?.sessions.end({ id, credential: '', record })
  }

  async function revoke(openId: string) {
    await Promise.all([...programs.values()].map((program) => program.revoke(openId)))
  }
}

function byOf(session: Identified['session'], isLogin: boolean): Diagnostics['identify']['by'] {
  if (session instanceof TrustedSession) return 'platform'
  if (!session?.session) return 'nothing'
  return isLogin ? 'login' : 'session'
}
