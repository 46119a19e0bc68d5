import test from 'ava'
import fc from 'fast-check'
import { createEventReader, type StreamEvent } from '../../client/src/events.js'
import { createSession } from '../../client/src/index.js'
import { startServer } from '../support/server.js'

/** What is heard of a stream that arrives in chunks of these lengths. */
function hear(bytes: Uint8Array, lengths: number[] = []): StreamEvent[] {
  const heard: StreamEvent[] = []
  const listener = createEventReader((event) => heard.push(event))
  let at = 0
  for (const length of [...lengths, bytes.length]) {
    listener({ data: bytes.slice(at, at + length).buffer })
    at += length
  }
  return heard
}

const heardOf = (text: string, lengths?: number[]) => hear(new TextEncoder().encode(text), lengths)
const message = (data: string, id = '') => ({ event: 'message', data, id })

for (const [what, text, events] of [
  ['an event ends with an empty line', 'data: a\n\ndata: b', [message('a')]],
  ['its lines are joined', 'data: a\ndata: b\n\n', [message('a\nb')]],
  [
    'lines end in one of three ways',
    'data: a\r\n\r\ndata: b\r\rdata: c\n\n',
    ['a', 'b', 'c'].map((d) => message(d)),
  ],
  [
    'it may have a name',
    'event: token\ndata: 1\n\ndata: 2\n\n',
    [{ event: 'token', data: '1', id: '' }, message('2')],
  ],
  ['one space after the colon is none of it', 'data:a\n\ndata:  b\n\n', [message('a'), message(' b')]],
  ['a field may have no value', 'data\n\ndata\ndata\n\n', [message(''), message('\n')]],
  ['comments are nothing', ': ping\n\ndata: a\n: pong\n\n', [message('a')]],
  ['an event without data is none', 'event: x\n\ndata: a\n\n', [message('a')]],
  [
    'an id holds until the next',
    'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n',
    [message('a', '1'), message('b', '1'), message('c')],
  ],
  ['an id with a NUL is none', 'id: 1\0\ndata: a\n\n', [message('a')]],
  ['unknown fields are nothing', 'retry: 10\nnonsense: 1\ndata: a\n\n', [message('a')]],
  [
    'a byte order mark is none of it',
    '\uFEFFdata: a\n\ndata: \uFEFFb\n\n',
    [message('a'), message('\uFEFFb')],
  ],
  ['characters of every length', 'data: aé中😀\n\n', [message('aé中😀')]],
  ['a colon in the value', 'data: {"a": 1}\n\n', [message('{"a": 1}')]],
] as const) {
  test(`createEventReader(): ${what}`, (t) => {
    t.deepEqual(heardOf(text), events as unknown as StreamEvent[])
    t.deepEqual(
      heardOf(
        text,
        Array.from({ length: text.length * 4 }, () => 1),
      ),
      events as unknown as StreamEvent[],
      'byte by byte',
    )
  })
}

test('createEventReader(): wherever the chunks end, the same events are heard', (t) => {
  const line = fc.constantFrom('data: 中😀', 'data:b', 'event: x', 'id: 7', ': c', '', '', 'data')
  const end = fc.constantFrom('\n', '\r\n', '\r')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(line, end), { maxLength: 20 }),
      fc.array(fc.nat(9), { maxLength: 40 }),
      (lines, lengths) => {
        const text = lines.map((pair) => pair.join('')).join('')
        t.deepEqual(heardOf(text, lengths), heardOf(text))
      },
    ),
    { numRuns: 500 },
  )
})

test('createEventReader(): bytes that are no UTF-8 lose no event', (t) => {
  const bytes = Uint8Array.from([...new TextEncoder().encode('data: '), 0xff, 0x61, 0x0a, 0x0a])

  t.deepEqual(hear(bytes), [message('\uFFFDa')])
})

test('createEventReader(): one byte that is no UTF-8 costs one character', (t) => {
  const [a, b] = ['data: 你好', '世界\n\n'].map((text) => [...new TextEncoder().encode(text)]) as [
    number[],
    number[],
  ]

  t.deepEqual(hear(Uint8Array.from([...a, 0xff, ...b])), [message('你好\uFFFD世界')])
})

test('createEventReader(): a listener that throws loses nothing of the stream', (t) => {
  const heard: unknown[] = []
  const { error: original } = console
  console.error = () => {}
  t.teardown(() => {
    console.error = original
  })
  const listener = createEventReader(({ data }) => heard.push(JSON.parse(data)))
  const chunks = ['data: 1\n\ndata: [DONE]\n\ndata: 3\n\ndata: 4', '2\n\n']

  for (const chunk of chunks) listener({ data: new TextEncoder().encode(chunk).buffer as ArrayBuffer })

  t.deepEqual(heard, [1, 3, 42])
})

test('createEventReader(): a stream of a server, over a session that logs in', async (t) => {
  const { url, wechat } = await startServer(t, {
    async handler(ctx) {
      ctx.type = 'text/event-stream'
      ctx.body = `data: 你好\n\nevent: end\ndata: ${ctx.$wxUserInfo?.openId}\n\n`
    },
  })
  const phone = wechat.phone()
  const session = createSession({ baseUrl: url, wx: phone.wx })
  const heard: StreamEvent[] = []

  const call = session.request({ url: '/chat', method: 'POST', enableChunked: true })
  call.onChunkReceived(createEventReader((event) => heard.push(event)))
  await call

  t.deepEqual(heard, [message('你好'), { event: 'end', data: phone.user.openId, id: '' }])
})
