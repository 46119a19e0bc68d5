/** What comes back of a call of `wx`: the result, or what went wrong. */
interface Answer {
  id: number
  success?: object
  fail?: { errMsg: string; errno?: number }
}

/** What the phone tells without being asked. */
export interface Network {
  event: 'network'
  isConnected: boolean
}

export interface Callbacks {
  success?(result: object): void
  fail?(error: object): void
  complete?(result: object): void
}

/**
 * The line to the phone in the simulator: it is there that `wx.login` and `wx.request` happen. Where it is cut (the
 * server was ended, say), every call fails as one without a network does.
 */
export interface Line {
  /** Calls an API of the phone's `wx`. Gives a function that aborts it. */
  call(api: string, options: Record<string, unknown> & Callbacks): () => void
  /** Whether a call has not ended yet. */
  isBusy(): boolean
}

/** ms until the line is tried again. */
const PAUSE = 1000

export function openLine(url: string, onNetwork: (network: Network) => void): Line {
  const running = new Map<number, (answer: Omit<Answer, 'id'>) => void>()
  let calls = 0
  let waiting: string[] = []
  let socket = connect()

  return {
    call(api, { success, fail, complete, ...options }) {
      const id = ++calls
      running.set(id, (answer) => {
        running.delete(id)
        if (answer.success) success?.(answer.success)
        else fail?.(answer.fail ?? {})
        complete?.(answer.success ?? answer.fail ?? {})
      })
      send({ id, api, options })
      return () => send({ id, abort: true })
    },
    isBusy: () => running.size > 0,
  }

  function send(message: object): void {
    const text = JSON.stringify(message)
    if (socket.readyState === WebSocket.OPEN) socket.send(text)
    else if (socket.readyState === WebSocket.CONNECTING) waiting.push(text)
    else queueMicrotask(failAll)
  }

  function connect(): WebSocket {
    const opening = new WebSocket(url)
    opening.addEventListener('open', () => {
      for (const text of waiting.splice(0)) opening.send(text)
      onNetwork({ event: 'network', isConnected: true })
    })
    opening.addEventListener('message', ({ data }) => {
      const message = JSON.parse(data) as Answer | Network
      if ('event' in message) onNetwork(message)
      else running.get(message.id)?.(message)
    })
    opening.addEventListener('close', () => {
      waiting = []
      failAll()
      setTimeout(() => {
        socket = connect()
      }, PAUSE)
    })
    return opening
  }

  function failAll(): void {
    for (const answer of [...running.values()]) {
      answer({ fail: { errMsg: 'request:fail the simulator is away', errno: 600001 } })
    }
  }
}
