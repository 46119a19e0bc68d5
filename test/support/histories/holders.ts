import type { Phone } from '../../../simulator/src/index.js'
import { codeOnly } from '../wechat.js'

export interface User {
  name: string
  openId: string
  phones: Phone[]
}

/** Who has a session, or would like to: a phone with a code, or a guest. */
export interface Holder {
  /** The name of the session: c1, or g1 of a guest. */
  name: string
  user: User
  /** What logs in; none of a guest. */
  login?: Record<string, string>
  /** What was handed out, the newest last. */
  credentials: Credential[]
}

export interface Credential {
  name: string
  holder: Holder
  /** What presents it. */
  headers: Record<string, string>
}

/** One of the credentials: that of the session so many ago, of all or of those that nobody has been refused. */
export interface Choice {
  ago: number
  isAny: boolean
  /** Whether it is one that another has replaced, where there is such. */
  isOld: boolean
}

export interface Holders {
  /** From the first to the last. */
  readonly all: readonly Holder[]
  /** With the headers of a login, or without: a guest. */
  add(user: User, login?: Record<string, string>): Holder
  /** The name of what an answer has handed out: from now on it can be presented. */
  learn(holder: Holder, header: string): string
  refuse(credential: string): void
  /** None, as long as nobody has any. */
  choose(choice: Choice, isEligible?: (holder: Holder) => boolean): Credential | undefined
}

/** @param isCodeTheCredential - whether nothing has to be handed out, because a code is the credential */
export function createHolders(isCodeTheCredential: boolean): Holders {
  const all: Holder[] = []
  const byHeader = new Map<string, Credential>()
  const refused = new Set<string>()
  const counts = { c: 0, g: 0 }

  return {
    all,

    add(user, login) {
      const kind = login ? 'c' : 'g'
      const holder: Holder = {
        name: `${kind}${++counts[kind]}`,
        user,
        ...(login && { login }),
        credentials: [],
      }
      if (isCodeTheCredential && login) {
        holder.credentials.push({ name: holder.name, holder, headers: codeOnly(login) })
      }
      all.push(holder)
      return holder
    },

    learn(holder, header) {
      const known = byHeader.get(header)
      if (known) return known.name
      const { credentials } = holder
      const name = credentials.length === 0 ? holder.name : `${holder.name}.${credentials.length + 1}`
      const credential = { name, holder, headers: { 'X-WX-Session': header } }
      credentials.push(credential)
      byHeader.set(header, credential)
      return name
    },

    refuse(credential) {
      refused.add(credential)
    },

    choose({ ago, isAny, isOld }, isEligible = () => true) {
      const eligible = all.filter((holder) => holder.credentials.length > 0 && isEligible(holder))
      const hopeful = eligible.filter(({ credentials }) => !refused.has(credentials.at(-1)?.name ?? ''))
      const pool = isAny || hopeful.length === 0 ? eligible : hopeful
      const credentials = pool[pool.length - 1 - (ago % pool.length)]?.credentials
      return isOld ? (credentials?.at(-2) ?? credentials?.at(-1)) : credentials?.at(-1)
    },
  }
}
