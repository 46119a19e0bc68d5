import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { createWechat } from '../../simulator/src/index.js'

// The mini program is CommonJS without declarations.
const require = createRequire(import.meta.url)
const { createOutbox } =
  require('../../examples/one-stroke/miniprogram/model/outbox.js') as typeof import('../../examples/one-stroke/miniprogram/model/outbox.js')
const { RefusedError } =
  require('../../examples/one-stroke/miniprogram/model/api.js') as typeof import('../../examples/one-stroke/miniprogram/model/api.js')

/** A phone's outbox, and a server that answers when it is told to. */
function setUp() {
  const phone = createWechat().phone()
  const calls: { id: string; actions: string | null; answer(error?: Error): void }[] = []
  const send = (id: string, actions: string | null) =>
    new Promise<void>((resolve, reject) => {
      calls.push({ id, actions, answer: (error) => (error ? reject(error) : resolve()) })
    })
  const sent: string[] = []
  const api = {
    save: ({ id, actions }: { id: string; actions: string }) => send(id, actions),
    remove: (id: string) => send(id, null),
  }
  const open = () => createOutbox({ storage: phone.wx, api, onSent: ({ id }) => sent.push(id) })
  return { phone, calls, sent, open }
}

test('outbox: a drawing from before the app was killed waits at its next start', (t) => {
  const { phone, open } = setUp()
  open().put('a', '[1]')

  phone.coldStart()

  t.like(open().entries(), [{ id: 'a', actions: '[1]' }])
})

test('outbox: a drawing that changes while it is sent is sent again', async (t) => {
  const { calls, sent, open } = setUp()
  const outbox = open()
  outbox.put('a', '[1]')
  const sending = outbox.send()
  await turn()
  outbox.put('a', '[1,2]')

  calls[0]?.answer()
  await turn()
  t.is(calls[1]?.actions, '[1,2]')
  t.is(outbox.entries().length, 1)
  calls[1]?.answer()
  await sending

  t.deepEqual(outbox.entries(), [])
  t.deepEqual(sent, ['a', 'a'])
})

test('outbox: after a failure everything waits, in its order', async (t) => {
  const { calls, open } = setUp()
  const outbox = open()
  outbox.put('a', '[1]')
  outbox.put('b', '[2]')
  const sending = outbox.send()
  await turn()
  calls[0]?.answer(new Error('no network'))

  await t.throwsAsync(sending, { message: 'no network' })
  t.deepEqual(
    outbox.entries().map(({ id }) => id),
    ['b', 'a'],
  )

  void outbox.send()
  await turn()
  t.is(calls[1]?.id, 'a')
})

test('outbox: a drawing that the server refuses for good stays on the phone, and holds up no other', async (t) => {
  const { calls, open } = setUp()
  const outbox = open()
  outbox.put('a', '[1]')
  outbox.put('b', '[2]')
  const sending = outbox.send()
  await turn()
  calls[0]?.answer(new RefusedError('ERR_DRAWING_INVALID'))
  await turn()
  calls[1]?.answer()
  await sending

  t.like(outbox.entries(), [{ id: 'a', actions: '[1]', refusal: 'ERR_DRAWING_INVALID' }])
  outbox.put('a', '[3]')
  void outbox.send()
  await turn()
  t.is(calls[2]?.actions, '[3]')
})

test('outbox: a drawing that is deleted before it was saved is deleted, not saved', async (t) => {
  const { calls, open } = setUp()
  const outbox = open()
  outbox.put('a', '[1]')
  outbox.put('a', null)

  void outbox.send()
  await turn()

  t.like(calls, [{ id: 'a', actions: null }])
})

test('outbox: calls of send() at the same time are one', async (t) => {
  const { calls, open } = setUp()
  const outbox = open()
  outbox.put('a', '[1]')

  const both = [outbox.send(), outbox.send()]
  await turn()
  calls[0]?.answer()
  await Promise.all(both)

  t.is(calls.length, 1)
})
