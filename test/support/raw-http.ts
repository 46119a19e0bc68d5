import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/** One line of a request's head. Each character is sent as one byte (latin1), whatever it is. */
export type HeaderLine = readonly [name: string, value: string]

export interface RawResponse {
  status: number
  /** By name in lower case; a repeated one is joined with a comma. */
  headers: ReadonlyMap<string, string>
  body: string
  /** Everything that was received. */
  text: string
}

/** Sends GET requests that `node:http` would refuse to send. One at a time: others wait for their turn. */
export interface RawClient {
  /** Fails when there is no whole answer in time. */
  send(lines: readonly HeaderLine[], path?: string): Promise<RawResponse>
}

/** ms for one answer: only what hangs takes so long, on however busy a machine. */
const PATIENCE = 20_000

/** A client with a connection of its own, which is kept where that can be; ends with the test. */
export function rawClient(t: ExecutionContext, url: string): RawClient {
  const { hostname, port } = new URL(url)
  let kept: Socket | undefined
  let turn: Promise<unknown> = Promise.resolve()
  t.teardown(() => kept?.destroy())

  return {
    send(lines, path = '/') {
      const response = turn.then(() => exchange(lines, path))
      turn = response.catch(() => {})
      return response
    },
  }

  async function exchange(lines: readonly HeaderLine[], path: string): Promise<RawResponse> {
    // Bytes that end the head too early would be taken for a next request, and its answer for that of ours.
    const isLast = lines.some(([name, value]) => /[\r\n]/.test(name + value))
    const head = Buffer.from(headOf(lines, path, isLast), 'latin1')

    const reused = kept?.destroyed === false ? kept : undefined
    kept = undefined
    let answer = reused && (await converse(reused, head))
    // The server may close an idle connection at the very moment when it is used again: nobody heard that.
    if (!answer || answer === 'nothing') answer = await converse(await open(), head)
    if (answer === 'nothing') throw new Error('the connection was closed without an answer')
    return answer
  }

  async function open(): Promise<Socket> {
    const socket = connect(Number(port), hostname)
    socket.setNoDelay(true)
    // An error ends in 'close', which says all that matters here; a kept one may be reset while nobody reads.
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  async function converse(socket: Socket, head: Buffer): Promise<RawResponse | 'nothing'> {
    const answer = await read(socket, head)
    if (answer !== 'nothing' && answer.headers.get('connection') !== 'close') kept = socket
    else socket.destroy()
    return answer
  }
}

/** Gives each item to one of a few clients, so that as many are under way at once; answers in their order. */
export async function sendAll<T>(
  clients: readonly RawClient[],
  items: readonly T[],
  send: (client: RawClient, item: T) => Promise<RawResponse>,
): Promise<RawResponse[]> {
  const responses: RawResponse[] = []
  let next = 0
  await Promise.all(
    clients.map(async (client) => {
      for (let i = next++; i < items.length; i = next++) responses[i] = await send(client, items[i] as T)
    }),
  )
  return responses
}

function headOf(lines: readonly HeaderLine[], path: string, isLast: boolean): string {
  const own: HeaderLine[] = [['Host', 'localhost'], ...(isLast ? [['Connection', 'close'] as const] : [])]
  const all = [...own, ...lines].map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${all.join('')}\r\n`
}

function read(socket: Socket, head: Buffer): Promise<RawResponse | 'nothing'> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const timer = setTimeout(() => end(new Error(`no answer within ${PATIENCE} ms`)), PATIENCE)
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const whole = parse(received, false)
      if (whole) end(whole)
    }
    // Who refuses a head that is too long need not have read all of it: that resets the connection.
    const onClose = () => end(received.length === 0 ? 'nothing' : (parse(received, true) ?? cutOff(received)))

    function end(outcome: RawResponse | 'nothing' | Error): void {
      clearTimeout(timer)
      socket.off('data', onData).off('close', onClose)
      if (outcome instanceof Error) {
        socket.destroy()
        reject(outcome)
      } else resolve(outcome)
    }

    socket.on('data', onData).on('close', onClose)
    socket.write(head)
  })
}

function cutOff(received: Buffer): Error {
  return new Error(`the answer was cut off after ${received.length} bytes`)
}

/** The response, once it is whole. Without a length it is as long as the connection lives. */
function parse(received: Buffer, isClosed: boolean): RawResponse | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = received.toString('latin1', 0, end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]*):[ \t]*(.*)$/.exec(line) ?? []
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1])

  const rest = received.length - (end + 4)
  const length = status === 204 || status === 304 ? 0 : Number(headers.get('content-length') ?? Number.NaN)
  const isWhole = Number.isNaN(length) ? isClosed : rest >= length
  if (!isWhole) return undefined
  const body = received.subarray(end + 4, Number.isNaN(length) ? undefined : end + 4 + length)
  return { status, headers, body: body.toString('utf8'), text: received.toString('latin1') }
}
