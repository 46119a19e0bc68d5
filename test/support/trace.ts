import { appendFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'

/**
 * What the suite stored and sent, and every secret it used: kept in files of the run's own folder, where
 * scripts/test.ts searches the one for the other. Nothing is kept when a file is run alone.
 */
const folder = process.env.WEAPP_TEST_TRACE

/** A word such as `dev`, which an example of the documents has for a secret, is found in every text. */
const SHORTEST = 8

type Kind = 'secrets' | 'responses' | 'redis'

export function trace(kind: Kind, text: string | Uint8Array): void {
  if (kind === 'secrets' && text.length < SHORTEST) return
  if (folder)
    appendFileSync(join(folder, `${kind}.${process.pid}`), Buffer.concat([Buffer.from(text), NEWLINE]))
}

const NEWLINE = Buffer.from('\n')

/** Keeps every byte that a server sends. */
export function traceResponses(server: Server): void {
  server.on('connection', (socket) => {
    const write = socket.write
    socket.write = function traced(this: typeof socket, ...args: Parameters<typeof write>) {
      const [chunk] = args as unknown as [string | Uint8Array]
      trace('responses', chunk)
      return write.apply(this, args)
    } as typeof write
  })
}
