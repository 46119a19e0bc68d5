import { request as httpRequest } from 'node:http'
import test from 'ava'
import supertest, { type Response } from 'supertest'
import { createSession } from '../../client/src/index.js'
import type { DrawingStore } from '../../examples/one-stroke/server/drawings.js'
import { memoryStore, redisStore } from '../../src/index.js'
import {
  ACTIONS,
  DELETE,
  LIST,
  type Painter,
  painterWith,
  SAVE,
  startOneStroke,
  temporaryDrawings,
} from '../support/one-stroke.js'
import { originalClient } from '../support/original-client.js'
import { startRedis } from '../support/redis.js'
import { isRefused } from '../support/server.js'
import { stopwatch } from '../support/stopwatch.js'
import { until } from '../support/until.js'

const JSON_ACTIONS = JSON.stringify(ACTIONS)

test('paints/save: a drawing that was saved is there the next time, as a JSON string', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  const saved = await alice.save({ id: 'one', actions: ACTIONS })

  t.deepEqual([saved.status, saved.body], [200, { code: 0, msg: 'success', data: { id: 'one' } }])
  const nextTime = await painter('alice')
  const { status, body, headers } = await nextTime.list()
  t.deepEqual(
    [status, body],
    [200, { code: 0, msg: 'success', data: [{ id: 'one', actions: JSON_ACTIONS }] }],
  )
  t.is(headers['cache-control'], 'no-store')
  t.is(headers['x-next-cursor'], undefined)
})

test('actions: strokes come as an array or as JSON, and come back the same', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  await alice.save({ id: 'array', actions: ACTIONS })
  await alice.save({ id: 'text', actions: JSON_ACTIONS })
  await alice.save({ id: 'empty', actions: '[]' })

  const { body } = await alice.list()
  const found = new Map(body.data.map(({ id, actions }: { id: string; actions: string }) => [id, actions]))
  t.deepEqual(
    found,
    new Map([
      ['empty', '[]'],
      ['text', JSON_ACTIONS],
      ['array', JSON_ACTIONS],
    ]),
  )
})

test('id: another user’s drawing cannot be seen, overwritten or deleted, whatever id is named', async (t) => {
  const { painter } = await startOneStroke(t)
  const [alice, mallory] = [await painter('alice'), await painter('mallory')]
  await alice.save({ id: 'one', actions: ACTIONS })

  const seen = await mallory.list()
  const deleted = await mallory.remove('one')
  const overwritten = await mallory.save({
    id: 'one',
    actions: [],
    openId: 'alice',
    user: { openId: 'alice' },
  })

  t.deepEqual(seen.body.data, [])
  isFailure(t, deleted, 404, 'ERR_DRAWING_NOT_FOUND')
  // Their own drawing, which happens to have the same id.
  t.is(overwritten.status, 200)
  t.deepEqual((await mallory.list()).body.data, [{ id: 'one', actions: '[]' }])
  t.deepEqual((await alice.list()).body.data, [{ id: 'one', actions: JSON_ACTIONS }])
})

test('ERR_LOGIN_REQUIRED: without a session there are no drawings: the session middleware refuses, as its client knows it', async (t) => {
  const { url } = await startOneStroke(t)

  isRefused(t, await supertest(url).get(LIST), 'ERR_LOGIN_REQUIRED', 401)
  isRefused(t, await supertest(url).post(SAVE).send({ id: 'one', actions: [] }), 'ERR_LOGIN_REQUIRED', 401)
  isRefused(t, await supertest(url).post(DELETE).send({ id: 'one' }), 'ERR_LOGIN_REQUIRED', 401)
  isRefused(t, await painterWith({ 'X-WX-Code': 'forged' }, url).list(), 'ERR_SESSION_EXPIRED', 401)
})

test('paints/save: a body that is no JSON object is refused', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  for (const body of [
    '',
    '{',
    'null',
    '[]',
    '"id"',
    '7',
    '{"id":"one","actions":[]',
    '\u0000',
    '{"id":"o"}{}',
  ]) {
    isFailure(t, await alice.save(body), 400, 'ERR_BODY_INVALID')
  }
  t.deepEqual((await alice.list()).body.data, [])
})

test('id: it has 1 to 64 letters, digits, _ or -', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  const bad = [
    '',
    'a b',
    'a/b',
    '../b',
    'a.b',
    '小明',
    'a\n',
    'a'.repeat(65),
    7,
    null,
    true,
    {},
    ['one'],
    undefined,
  ]
  for (const id of bad) {
    isFailure(t, await alice.save({ id, actions: [] }), 400, 'ERR_DRAWING_INVALID')
    isFailure(t, await alice.remove(id), 400, 'ERR_DRAWING_INVALID')
  }
  for (const id of ['a', 'a'.repeat(64), '0', '-_-', 'B7'])
    t.is((await alice.save({ id, actions: [] })).status, 200)
})

test('actions: a value that is no stroke is refused, and nothing of the drawing is kept', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  const stroke = ACTIONS[0]

  const bad: unknown[] = [
    ...[undefined, null, 7, true, {}, '', '{', '{}', 'null', '"[]"', { length: 1, 0: stroke }],
    ...[[null], [[]], ['stroke'], [7], [{}]],
    ...['red', '#fff', '#12345g', '#1234567', '', 7, null, '#1a2b3c;'].map((color) => [{ ...stroke, color }]),
    ...[0, 0.9, 64.1, -1, 1.55, '4', null, undefined].map((width) => [{ ...stroke, width }]),
    ...[
      [],
      [1],
      [1, 2, 3],
      [-1, 0],
      [0, -1],
      [1000.1, 0],
      [0, 2000.1],
      [0.25, 0],
      ['0', '0'],
      [null, 0],
      [[0, 0]],
    ].map((points) => [{ ...stroke, points }]),
    ...[undefined, null, 'points', { 0: 0, 1: 0, length: 2 }].map((points) => [{ ...stroke, points }]),
    [stroke, { ...stroke, points: [1] }],
    '[{"color":"#1a2b3c","width":4,"points":[1e999,0]}]',
    ...['['.repeat(100_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ]
  for (const actions of bad) {
    const response = await alice.save({ id: 'one', actions })
    isFailure(t, response, 400, 'ERR_DRAWING_INVALID', JSON.stringify(actions)?.slice(0, 100))
  }

  t.deepEqual((await alice.list()).body.data, [])
})

/** What the original app's page sends for one stroke: the actions of a canvas, as JSON. */
const CANVAS_ACTIONS = [
  { method: 'save', data: [] },
  { method: 'setStrokeStyle', data: ['normal', [255, 0, 0, 255]] },
  { method: 'setLineWidth', data: [5] },
  {
    method: 'strokePath',
    data: [
      { method: 'moveTo', data: [10, 20.5] },
      { method: 'lineTo', data: [110, 220] },
    ],
  },
  { method: 'restore', data: [] },
]

// The pages of 2016 lost a drawing without a word: their actions were no strokes.
test('actions: the pages of the original app save a drawing, list it as it was, and delete it', async (t) => {
  const { url, wechat } = await startOneStroke(t)
  const request = originalClient(wechat.phone('alice'))
  const call = (path: string, data?: object) =>
    new Promise((success, fail) => {
      request({ url: url + path, ...(data && { method: 'POST', data }), success, fail })
    })
  const actions = JSON.stringify(CANVAS_ACTIONS)

  const saved = await call(SAVE, { id: '7a1c-uuid', actions })
  const listed = await call(LIST)
  const removed = await call(DELETE, { id: '7a1c-uuid' })
  const left = await call(LIST)

  t.deepEqual(saved, { data: { code: 0, msg: 'success', data: { id: '7a1c-uuid' } } })
  t.deepEqual(listed, { data: { code: 0, msg: 'success', data: [{ id: '7a1c-uuid', actions }] } })
  t.deepEqual(removed, { data: { code: 0, msg: 'success', data: { id: '7a1c-uuid' } } })
  t.deepEqual(left, { data: { code: 0, msg: 'success', data: [] } })
})

test('actions: of a canvas, only methods and their data are kept, and neither is too large', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  const [first, ...rest] = CANVAS_ACTIONS

  t.is((await alice.save({ id: 'one', actions: [{ ...first, tool: '<script>' }, ...rest] })).status, 200)
  t.is((await alice.list()).body.data[0].actions, JSON.stringify(CANVAS_ACTIONS))

  const deep = { method: 'strokePath', data: [[[[[[[1]]]]]]] }
  const bad = [
    [{ method: 'moveTo' }],
    [{ method: 7, data: [] }],
    [{ method: 'Eval()', data: [] }],
    [{ method: 'moveTo', data: { 0: 1 } }],
    [{ method: 'moveTo', data: [null] }],
    [{ method: 'fillText', data: ['x'.repeat(41)] }],
    [first, ACTIONS[0]],
    [deep],
  ]
  for (const actions of bad) {
    isFailure(
      t,
      await alice.save({ id: 'two', actions }),
      400,
      'ERR_DRAWING_INVALID',
      JSON.stringify(actions),
    )
  }
  const many = Array(17_000).fill({ method: 'a', data: [1] })
  isFailure(t, await alice.save({ id: 'two', actions: many }), 413, 'ERR_DRAWING_TOO_LARGE')
})

test('actions: fields that a stroke has not are left out', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  const json = `[{"__proto__":{"width":9},"constructor":1,"tool":"<script>","color":"#1A2B3C","width":4,"points":[0,0.5]}]`

  t.is((await alice.save({ id: 'one', actions: json })).status, 200)
  t.is((await alice.save(`{"id":"two","actions":${json}}`)).status, 200)

  const kept = '[{"color":"#1A2B3C","width":4,"points":[0,0.5]}]'
  const { body } = await alice.list()
  t.deepEqual(new Set(body.data.map(({ actions }: { actions: string }) => actions)), new Set([kept]))
})

test('actions: prototype keys are no fields, and pollute nothing', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  const inherited = await alice.save('{"__proto__":{"id":"one","actions":[]}}')
  const constructed = await alice.save('{"constructor":{"prototype":{"id":"one","actions":[]}}}')
  const strokes = await alice.save(`{"id":"one","actions":[{"__proto__":${JSON.stringify(ACTIONS[0])}}]}`)
  const named = await alice.save({ id: '__proto__', actions: ACTIONS })

  isFailure(t, inherited, 400, 'ERR_DRAWING_INVALID')
  isFailure(t, constructed, 400, 'ERR_DRAWING_INVALID')
  isFailure(t, strokes, 400, 'ERR_DRAWING_INVALID')
  t.is(named.status, 200)
  t.deepEqual((await alice.list()).body.data, [{ id: '__proto__', actions: JSON_ACTIONS }])
  t.is(({} as { id?: string }).id, undefined)
  t.is((await alice.remove('__proto__')).status, 200)
})

test('paints/save: a body of 1 MB is taken, and a byte more is not, with or without a length', async (t) => {
  const { painter, url } = await startOneStroke(t)
  const alice = await painter('alice')
  const body = (size: number) => {
    const head = `{"id":"large","actions":${JSON_ACTIONS},"more":"`
    return `${head}${'x'.repeat(size - head.length - 2)}"}`
  }

  const largest = await alice.save(body(1024 * 1024))
  const larger = await alice.save(body(1024 * 1024 + 1))
  const huge = await alice.save(body(20 * 1024 * 1024))
  // Chunked: nobody says beforehand how much it will be.
  const endless = await fetch(url + SAVE, {
    method: 'POST',
    headers: alice.headers,
    body: new Blob([body(3 * 1024 * 1024)]).stream(),
    duplex: 'half',
  } as RequestInit)

  t.is(largest.status, 200)
  isFailure(t, larger, 413, 'ERR_DRAWING_TOO_LARGE')
  isFailure(t, huge, 413, 'ERR_DRAWING_TOO_LARGE')
  t.is(endless.status, 413)
  t.is((await alice.list()).body.data.length, 1)
})

test('actions: a drawing has 2000 strokes at most', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  const stroke = { color: '#000000', width: 1, points: [0, 0] }

  t.is((await alice.save({ id: 'one', actions: Array(2000).fill(stroke) })).status, 200)
  const more = await alice.save({ id: 'one', actions: Array(2001).fill(stroke) })

  isFailure(t, more, 413, 'ERR_DRAWING_TOO_LARGE')
  t.is(JSON.parse((await alice.list()).body.data[0].actions).length, 2000)
})

test('paints/save: a body that is cut off is no drawing', async (t) => {
  const { painter, url, log } = await startOneStroke(t)
  const alice = await painter('alice')
  const headers = { ...alice.headers, 'Content-Length': 100 }

  const request = httpRequest(url + SAVE, { method: 'POST', headers }).on('error', () => {})
  await new Promise((resolve) => request.write('{"id":"one","actions":[', resolve))
  request.destroy()

  await until(() => log.some(({ path, reason }) => path === SAVE && reason === 'ERR_BODY_INVALID'))
  t.deepEqual((await alice.list()).body.data, [])
})

test('paints/save: fifty saves at once are fifty drawings, and fifty of one id are one', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  const different = await Promise.all(
    range(50).map((n) => alice.save({ id: `drawing-${n}`, actions: ACTIONS })),
  )
  const same = await Promise.all(range(50).map((n) => alice.save({ id: 'same', actions: [strokeOf(n)] })))

  t.true([...different, ...same].every(({ status }) => status === 200))
  const { data } = (await alice.list({ limit: 100 })).body
  t.is(data.length, 51)
  const last = data.find(({ id }: { id: string }) => id === 'same')
  t.true(range(50).some((n) => last.actions === JSON.stringify([strokeOf(n)])))
})

test('paints/delete: to save twice saves once; to delete twice tells the second that there is nothing', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')

  await alice.save({ id: 'one', actions: ACTIONS })
  await alice.save({ id: 'one', actions: ACTIONS })
  t.is((await alice.list()).body.data.length, 1)

  const first = await alice.remove('one')
  const second = await alice.remove('one')
  t.deepEqual([first.status, first.body], [200, { code: 0, msg: 'success', data: { id: 'one' } }])
  isFailure(t, second, 404, 'ERR_DRAWING_NOT_FOUND')
})

test('paints/save: the 501st drawing is refused, until there is room', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  for (let n = 0; n < 500; n += 50) {
    await Promise.all(range(50).map((i) => alice.save({ id: `${n + i}`, actions: [] })))
  }

  isFailure(t, await alice.save({ id: 'more', actions: [] }), 409, 'ERR_TOO_MANY_DRAWINGS')
  t.is((await alice.save({ id: '7', actions: ACTIONS })).status, 200)
  await alice.remove('8')
  t.is((await alice.save({ id: 'more', actions: [] })).status, 200)
})

test('paints/list: a page has 20 drawings, or as many as were asked for up to 100, and says where the next begins', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  await Promise.all(range(123).map((n) => alice.save({ id: `${n}`, actions: [] })))

  t.is((await alice.list()).body.data.length, 20)
  t.is((await alice.list({ limit: 100_000 })).body.data.length, 100)
  const pages = await allPages(alice, 50)
  t.deepEqual(
    pages.map((page) => page.length),
    [50, 50, 23],
  )
  t.is(new Set(pages.flat()).size, 123)
  for (const limit of ['0', '-1', '1.5', 'x', '', '1e2', ' 1', '99999999999']) {
    isFailure(t, await alice.list({ limit }), 400, 'ERR_QUERY_INVALID', limit)
  }
  for (const before of ['', 'x', '.', 'a.', '.a', 'zzzzzzzzzzz.a', 'a.b/c', '-1.a', "a.' or 1=1"]) {
    isFailure(t, await alice.list({ before }), 400, 'ERR_QUERY_INVALID', before)
  }
  isFailure(t, await alice.list({ before: ['a.a', 'a.b'], limit: 1 }), 400, 'ERR_QUERY_INVALID')
})

test('paints/list: paging while others are saved misses and repeats none that was there', async (t) => {
  const { painter } = await startOneStroke(t)
  const alice = await painter('alice')
  const old = range(60).map((n) => `old-${n}`)
  await Promise.all(old.map((id) => alice.save({ id, actions: [] })))
  let isOver = false
  const saving = (async () => {
    for (let n = 0; !isOver; n++) {
      await alice.save({ id: `new-${n}`, actions: [] })
      await alice.save({ id: old[n % 60], actions: ACTIONS })
    }
  })()

  const found = (await allPages(alice, 7)).flat()
  isOver = true
  await saving

  t.is(new Set(found).size, found.length)
  t.deepEqual(found.filter((id) => id.startsWith('old')).toSorted(), old.toSorted())
})

test('paints/list: another user’s cursor is a place in one’s own list, and nothing else', async (t) => {
  const { painter } = await startOneStroke(t)
  const [alice, mallory] = [await painter('alice'), await painter('mallory')]
  for (const id of ['a', 'b', 'c']) await alice.save({ id, actions: ACTIONS })
  const before = (await alice.list({ limit: 1 })).get('X-Next-Cursor')

  t.deepEqual((await mallory.list({ before })).body.data, [])
})

test('paints/list: the client of 2016 lists what today’s client saved', async (t) => {
  const { url, wechat } = await startOneStroke(t)
  const session = createSession({ baseUrl: url, wx: wechat.phone('alice').wx })
  const request = originalClient(wechat.phone('alice'))

  const saved = await session.request({
    url: SAVE,
    method: 'POST',
    data: { id: 'one', actions: JSON_ACTIONS },
  })
  const listed = await new Promise((success, fail) => request({ url: url + LIST, success, fail }))

  t.deepEqual(saved.data, { code: 0, msg: 'success', data: { id: 'one' } })
  t.deepEqual(listed, { data: { code: 0, msg: 'success', data: [{ id: 'one', actions: JSON_ACTIONS }] } })
})

test('404 and 405: paths and methods that are none are answered in the same manner', async (t) => {
  const { painter, url } = await startOneStroke(t)
  const { headers } = await painter('alice')

  isFailure(t, await supertest(url).get('/applet/session/paints').set(headers), 404, 'ERR_NOT_FOUND')
  isFailure(t, await supertest(url).get('/').set(headers), 404, 'ERR_NOT_FOUND')
  const wrong = await supertest(url).get(SAVE).set(headers)
  isFailure(t, wrong, 405, 'ERR_METHOD_NOT_ALLOWED')
  t.is(wrong.get('Allow'), 'POST')
})

test('ERR_DRAWINGS_UNAVAILABLE: a store that fails is 503 for drawings, and keeps its words to itself', async (t) => {
  const failing = new Error('mongodb://user:password@10.0.0.1 is away')
  const drawings = failingDrawings(() => Promise.reject(failing))
  const { painter, url, log } = await startOneStroke(t, { drawings })
  const alice = await painter('alice')

  const answers = [
    await alice.list(),
    await alice.save({ id: 'one', actions: [] }),
    await alice.remove('one'),
  ]

  for (const answer of answers) {
    isFailure(t, answer, 503, 'ERR_DRAWINGS_UNAVAILABLE')
    t.is(answer.get('Retry-After'), '1')
    t.notRegex(answer.text, /mongodb|10\.0/)
  }
  t.deepEqual(
    log.flatMap(({ error }) => error ?? []),
    [failing, failing, failing],
  )
  const readiness = await supertest(url).get('/readyz')
  t.deepEqual([readiness.status, readiness.body], [503, { status: 'not ready', failed: ['drawings'] }])
  t.is((await supertest(url).get('/healthz')).status, 200)
})

test('ERR_DRAWINGS_UNAVAILABLE: a store that never answers is given up in time', async (t) => {
  const drawings = failingDrawings(() => new Promise<never>(() => {}))
  const { painter, url } = await startOneStroke(t, { drawings })
  const began = Date.now()
  const took = stopwatch()

  const readiness = await supertest(url).get('/readyz')
  t.is(readiness.status, 503)
  t.true(took() < 3000, `${Date.now() - began} ms`)
  const alice = await painter('alice')
  isFailure(t, await alice.list(), 503, 'ERR_DRAWINGS_UNAVAILABLE')
  t.true(Date.now() - began < 20_000, `${Date.now() - began} ms`)
})

test('500: a mistake of ours, without a word of what it was', async (t) => {
  const drawings: DrawingStore = {
    ...temporaryDrawings(t),
    list: async () => ({ drawings: [null as never] }),
  }
  const { painter, log } = await startOneStroke(t, { drawings })
  const alice = await painter('alice')

  const answer = await alice.list()

  isFailure(t, answer, 500, 'ERR_INTERNAL')
  t.notRegex(answer.text, /TypeError|null|destructure/)
  t.true(log.at(-1)?.error instanceof TypeError)
})

test('/healthz: health is told without a session, and whatever the credential', async (t) => {
  const { url } = await startOneStroke(t)

  for (const path of ['/healthz', '/readyz']) {
    t.is((await supertest(url).get(path)).status, 200)
    t.is((await supertest(url).get(path).set('X-WX-Code', 'forged')).status, 200)
    t.is((await supertest(url).head(path)).status, 200)
  }
})

test('/readyz: Redis is away: 503, nobody is logged out, and /readyz says so; it is back, and all is well', async (t) => {
  const redis = await startRedis()
  t.teardown(() => redis.stop())
  const sessions = redisStore({ url: redis.url, timeout: 2000 })
  t.teardown(() => sessions.close?.())
  const checks = { sessions: async () => void (await sessions.read('readyz')) }
  const { painter, url, log } = await startOneStroke(t, { sessions, checks })
  const alice = await painter('alice')
  t.is((await alice.save({ id: 'one', actions: ACTIONS })).status, 200)
  t.is((await supertest(url).get('/readyz')).status, 200)

  redis.server.kill('SIGSTOP')
  isRefused(t, await alice.save({ id: 'two', actions: ACTIONS }), 'ERR_STORE_UNAVAILABLE', 503)
  const readiness = await supertest(url).get('/readyz')
  t.deepEqual([readiness.status, readiness.body], [503, { status: 'not ready', failed: ['sessions'] }])
  t.is((await supertest(url).get('/healthz')).status, 200)

  const logged = log.find(({ reason }) => reason === 'ERR_STORE_UNAVAILABLE')
  t.true(logged?.error instanceof Error)

  redis.server.kill('SIGCONT')
  await until(async () => (await supertest(url).get('/readyz')).status === 200)
  await until(async () => (await alice.list()).status === 200)
  t.is((await alice.list()).body.data.length, 1)
  t.is((await alice.save({ id: 'two', actions: ACTIONS })).status, 200)
})

test('log: it has one line for each request, and nothing of what was in it', async (t) => {
  const { painter, url, log } = await startOneStroke(t, { sessions: memoryStore() })
  const alice = await painter('alice')
  await alice.save({ id: 'secret-id', actions: ACTIONS })
  await alice.remove('unknown')
  await supertest(url).get(`${LIST}?token=secret`)
  await painterWith({ 'Weapp-Code': 'forged' }, url).list()
  await painterWith({ 'X-WX-Code': 'forged' }, url).list()
  await supertest(url).get('/healthz')

  t.deepEqual(
    log.map(({ method, path, status, reason }) => [method, path, status, reason]),
    [
      // How the painters of these tests log in.
      ['GET', '/', 404, 'ERR_NOT_FOUND'],
      ['POST', SAVE, 200, undefined],
      ['POST', DELETE, 404, 'ERR_DRAWING_NOT_FOUND'],
      ['GET', LIST, 401, 'ERR_LOGIN_REQUIRED'],
      ['GET', LIST, 401, 'ERR_SESSION_EXPIRED'],
      ['GET', LIST, 401, 'ERR_SESSION_EXPIRED'],
    ],
  )
  t.notRegex(JSON.stringify(log), /secret|#1a2b3c/)
  t.notRegex(JSON.stringify(log), new RegExp(alice.headers['X-WX-Code'] ?? '-'))
})

function isFailure(
  t: Parameters<typeof isRefused>[0],
  { status, body, headers }: Response,
  expected: number,
  reason: string,
  about?: string,
): void {
  t.deepEqual([status, body.code, body.msg, body.error?.reason], [expected, -1, 'fail', reason], about)
  t.is(typeof body.error.message, 'string')
  t.is(headers['cache-control'], 'no-store')
}

function failingDrawings(fail: () => Promise<never>): DrawingStore {
  return { list: fail, save: fail, remove: fail, isReady: fail, close: async () => {} }
}

function strokeOf(n: number) {
  return { color: '#000000', width: 1, points: [n, n] }
}

function range(length: number): number[] {
  return Array.from({ length }, (_, n) => n)
}

/** The ids of all pages. */
async function allPages(painter: Painter, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  let before: string | undefined
  do {
    const response = await painter.list({ limit, ...(before && { before }) })
    pages.push(response.body.data.map(({ id }: { id: string }) => id))
    before = response.get('X-Next-Cursor')
  } while (before && pages.length < 1000)
  return pages
}
