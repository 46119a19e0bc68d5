import type { Entry, Message, Situation } from '../protocol.js'

/** What the server tells, as it happens. */
export interface FeedListeners {
  /** From here on everything is told from the beginning. `isNew`: the server was started anew. */
  onStart(isNew: boolean): void
  onEntry(entry: Entry): void
  onSituation(situation: Situation): void
  onCleared(): void
  /** The server is gone, or back. */
  onLife(isAlive: boolean): void
}

/** ms without a sign of life, after which a server counts as gone: it gives one every ten seconds. */
const SILENCE = 25_000

/** ms until it is tried again. */
const RETRY = 1000

/** Listens for ever: whenever the server is gone, it tries again. */
export function openFeed(url: string, listeners: FeedListeners): void {
  let run: string | undefined
  let heard = 0
  let source: EventSource | undefined
  connect()
  setInterval(() => {
    if (source && performance.now() - heard > SILENCE) lose()
  }, RETRY)

  function connect(): void {
    heard = performance.now()
    source = new EventSource(url)
    source.addEventListener('message', ({ data }) => {
      heard = performance.now()
      tell(JSON.parse(data) as Message)
    })
    source.addEventListener('beat', () => {
      heard = performance.now()
    })
    // By our own hand: browsers wait longer each time, and some give up.
    source.addEventListener('error', lose)
  }

  function lose(): void {
    if (!source) return
    source.close()
    source = undefined
    listeners.onLife(false)
    setTimeout(connect, RETRY)
  }

  function tell(message: Message): void {
    if ('entry' in message) listeners.onEntry(message.entry)
    else if ('cleared' in message) listeners.onCleared()
    else {
      if ('run' in message) {
        listeners.onLife(true)
        listeners.onStart(message.run !== run)
        run = message.run
      }
      listeners.onSituation(message.situation)
    }
  }
}
