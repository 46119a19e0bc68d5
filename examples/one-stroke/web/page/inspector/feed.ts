import type { Message, RequestEntry, Situation } from 'koa-weapp-session/inspector'
import { PHONE_HEADER, type User } from '../../protocol.js'

/** What the inspector tells, as it happens: the same that its own page is told. */
export interface Feed {
  /** The requests of a phone that came after one of this id. */
  since(id: number, user: User): RequestEntry[]
  lastId(): number
  /** Settles when every request has its answer. */
  quiet(): Promise<void>
}

/** ms without anything new, after which it is quiet. */
const SILENCE = 250

export interface Listeners {
  /** What goes wrong on purpose. */
  onFaults(faults: Situation['faults']): void
  /** The server is there, or gone. */
  onLife(isAlive: boolean): void
}

export function openFeed({ onFaults, onLife }: Listeners): Feed {
  const requests = new Map<number, RequestEntry>()
  let lastNews = 0
  let lastId = 0
  const source = new EventSource('/__weapp/events')
  source.addEventListener('error', () => onLife(false))
  source.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data) as Message
    lastNews = performance.now()
    if ('run' in message) {
      // From here on everything is told, from the beginning.
      requests.clear()
      lastId = 0
      onLife(true)
    }
    if ('situation' in message) onFaults(message.situation.faults)
    if (!('entry' in message)) return
    const { entry } = message
    lastId = Math.max(lastId, entry.id)
    if (entry.type === 'request') requests.set(entry.id, entry)
  })

  return {
    since: (id, user) => [...requests.values()].filter((entry) => entry.id > id && userOf(entry) === user),
    lastId: () => lastId,
    async quiet() {
      const isWaiting = () => [...requests.values()].some((entry) => !entry.response)
      lastNews = performance.now()
      while (isWaiting() || performance.now() - lastNews < SILENCE)
        await new Promise((resolve) => setTimeout(resolve, 50))
    },
  }
}

function userOf({ headers }: RequestEntry): string | undefined {
  return headers.find(({ name }) => name.toLowerCase() === PHONE_HEADER.toLowerCase())?.value
}
