import type { Entry, Message, Situation } from '../../protocol.js'

/** What the server tells, as it happens. */
export interface Feed {
  entries(): Entry[]
  /** Those that came after one of this id. */
  since(id: number): Entry[]
  lastId(): number
  clear(): void
  /** Settles when every request has its answer. */
  quiet(): Promise<void>
}

/** ms without anything new, after which it is quiet. */
const SILENCE = 250

export interface Listeners {
  /** From here on everything is told, from the beginning: at the start, and when the server was started anew. */
  onOpen(): void
  onEntry(entry: Entry): void
  onSituation(situation: Situation): void
}

export function openFeed({ onOpen, onEntry, onSituation }: Listeners): Feed {
  const entries = new Map<number, Entry>()
  let lastNews = 0
  let lastId = 0
  const source = new EventSource('/inspector/events')
  source.addEventListener('message', ({ data }) => {
    const message = JSON.parse(data) as Message
    lastNews = performance.now()
    if ('situation' in message) return onSituation(message.situation)
    entries.set(message.entry.id, message.entry)
    lastId = Math.max(lastId, message.entry.id)
    onEntry(message.entry)
  })
  source.addEventListener('open', () => {
    entries.clear()
    lastId = 0
    onOpen()
  })

  return {
    entries: () => [...entries.values()],
    since: (id) => [...entries.values()].filter((entry) => entry.id > id),
    lastId: () => lastId,
    clear: () => entries.clear(),
    async quiet() {
      const isWaiting = () =>
        [...entries.values()].some((entry) => entry.type === 'request' && !entry.response)
      lastNews = performance.now()
      while (isWaiting() || performance.now() - lastNews < SILENCE) {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
}
