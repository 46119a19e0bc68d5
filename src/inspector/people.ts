import { LRUCache } from 'lru-cache'
import type { InspectedApp, InspectedSession } from '../inspection.js'
import type { SessionView, UserView } from './protocol.js'

/** Users, and texts that WeChat has signed for one of them, that are remembered. */
const USERS_MAX = 200
const TEXTS_MAX = 5

/** How many users are asked for their sessions at once. */
const SHOWN = 50

/** Characters of what handlers have put into a session. */
const DATA_MAX = 4000

/** The users that have come by, and what WeChat has signed for them. */
export interface People {
  met(openId: string, nickName: string): void
  /** WeChat has signed this text for the user. */
  signed(openId: string, rawData: string): void
  /** What it has signed for them, the newest first. */
  textsOf(openId: string): readonly string[]
  /** The users with their sessions, who came last first. */
  views(apps: Iterable<InspectedApp>): Promise<UserView[]>
}

interface Person {
  openId: string
  nickName: string
  seen: number
  texts: string[]
}

export function createPeople(): People {
  const people = new LRUCache<string, Person>({ max: USERS_MAX })

  return {
    met(openId, nickName) {
      const texts = people.get(openId)?.texts ?? []
      people.set(openId, { openId, nickName, seen: Date.now(), texts })
    },
    signed(openId, rawData) {
      const person = people.get(openId) ?? { openId, nickName: '', seen: Date.now(), texts: [] }
      const texts = [rawData, ...person.texts.filter((text) => text !== rawData)].slice(0, TEXTS_MAX)
      people.set(openId, { ...person, texts })
    },
    textsOf: (openId) => people.get(openId)?.texts ?? [],
    views: (apps) =>
      Promise.all(
        Array.from(people.values())
          .slice(0, SHOWN)
          .map((person) => viewOf(person, [...apps])),
      ),
  }
}

async function viewOf({ openId, nickName, seen }: Person, apps: InspectedApp[]): Promise<UserView> {
  const view: UserView = { openId, nickName, seen }
  try {
    const found = await Promise.all(
      apps.map(async (app) =>
        (await app.sessionsOf(openId)).map((session) =>
          sessionView(session, apps.length === 1 ? app.carrier : undefined),
        ),
      ),
    )
    // Two apps of one store and one appId have the same sessions.
    view.sessions = [...new Map(found.flat().map((session) => [session.alias, session])).values()]
  } catch {
    // The store does not say.
  }
  return view
}

function sessionView({ alias, appId, record }: InspectedSession, carrier: string | undefined): SessionView {
  const { created, expires, rev, data, key } = record
  const text = JSON.stringify(data, undefined, 2).slice(0, DATA_MAX)
  return {
    alias,
    appId,
    ...(carrier && { carrier }),
    created,
    expires,
    rev,
    data: text,
    key: key.slice(0, 12),
  }
}
