import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a Redis that can be slow, and that can break. */
export interface Link {
  readonly url: string
  /** ms for one way. */
  delay: number
  /** Whether nothing is on its way. */
  isIdle(): boolean
  /** Breaks every connection; what is on its way is lost. The next connection is fine. */
  cut(): void
  close(): void
}

/**
 * A TCP proxy before a port of this machine. Bytes stay in order, and what a process has sent arrives, even when
 * the process has been killed meanwhile.
 */
export async function openLink(port: number): Promise<Link> {
  const sockets = new Set<Socket>()
  const queues = new Set<Queue>()

  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    forward(near, far)
    forward(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const link: Link = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delay: 0,
    isIdle: () => [...queues].every((queue) => queue.isEmpty()),
    cut() {
      for (const queue of queues) queue.clear()
      for (const socket of sockets) socket.destroy()
    },
    close() {
      server.close()
      link.cut()
    },
  }
  return link

  function forward(from: Socket, to: Socket): void {
    const queue = createQueue()
    queues.add(queue)
    sockets.add(from)
    from.setNoDelay(true)
    from.on('data', (chunk) => queue.add(link.delay, () => void (to.writable && to.write(chunk))))
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      queue.add(link.delay, () => {
        queues.delete(queue)
        to.end()
      })
    })
  }
}

interface Queue {
  add(delay: number, action: () => void): void
  isEmpty(): boolean
  clear(): void
}

/** Does things later, in the order in which they came: timers of their own may overtake each other. */
function createQueue(): Queue {
  let items: { due: number; action: () => void }[] = []
  let isWorking = false

  return {
    add(delay, action) {
      if (delay === 0 && items.length === 0) return action()
      items.push({ due: performance.now() + delay, action })
      if (!isWorking) setTimeout(work, delay)
      isWorking = true
    },
    isEmpty: () => items.length === 0,
    clear() {
      items = []
    },
  }

  function work(): void {
    for (let item = items[0]; item; item = items[0]) {
      const wait = item.due - performance.now()
      if (wait > 0) return void setTimeout(work, wait)
      items.shift()
      item.action()
    }
    isWorking = false
  }
}
