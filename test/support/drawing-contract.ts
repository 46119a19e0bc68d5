import { randomUUID } from 'node:crypto'
import type { ExecutionContext, TestFn } from 'ava'
import type { Drawing, DrawingStore } from '../../examples/one-stroke/server/drawings.js'
import { until } from './until.js'

/** What every store of drawings promises. `open` gives a store that ends with the test. */
export function testDrawingStore(
  test: TestFn,
  name: string,
  open: (t: ExecutionContext) => Promise<DrawingStore> | DrawingStore,
): void {
  const check = (
    title: string,
    body: (t: ExecutionContext, store: DrawingStore, alice: string) => Promise<void>,
  ) => test.serial(`${name}: ${title}`, async (t) => body(t, await open(t), `alice-${randomUUID()}`))

  check('there is nothing at first', async (t, store, alice) => {
    t.deepEqual(await store.list(alice, { limit: 20 }), { drawings: [] })
    t.false(await store.remove(alice, 'one'))
    await t.notThrowsAsync(async () => store.isReady?.())
  })

  check('what was saved is listed, the newest first', async (t, store, alice) => {
    const began = Date.now()
    for (const id of ['one', 'two', 'three']) await saveAfter(store, alice, id, `[${id.length}]`)

    const { drawings, next } = await store.list(alice, { limit: 20 })

    t.deepEqual(
      drawings.map(({ id, actions }) => [id, actions]),
      [
        ['three', '[5]'],
        ['two', '[3]'],
        ['one', '[3]'],
      ],
    )
    t.is(next, undefined)
    for (const { savedAt } of drawings) t.true(savedAt >= began && savedAt <= Date.now())
    for (const drawing of drawings) t.deepEqual(Object.keys(drawing).sort(), ['actions', 'id', 'savedAt'])
  })

  check('saving again overwrites, and the drawing keeps its place', async (t, store, alice) => {
    await saveAfter(store, alice, 'one', '[1]')
    await saveAfter(store, alice, 'two', '[2]')
    const [, before] = (await store.list(alice, { limit: 20 })).drawings
    await saveAfter(store, alice, 'one', '[3]')

    const { drawings } = await store.list(alice, { limit: 20 })

    t.deepEqual(
      drawings.map(({ id }) => id),
      ['two', 'one'],
    )
    t.deepEqual(drawings[1], { ...(before as Drawing), actions: '[3]' })
  })

  check(
    'a drawing is its user’s: the same id of another user is another drawing',
    async (t, store, alice) => {
      // The one begins as the other does: keys are not glued together.
      const others = [`${alice}x`, alice.slice(0, -1)]
      await store.save(alice, { id: 'one', actions: '["alice"]' })
      for (const other of others) {
        t.deepEqual((await store.list(other, { limit: 20 })).drawings, [])
        t.false(await store.remove(other, 'one'))
        await store.save(other, { id: 'one', actions: '["other"]' })
      }

      t.is((await store.list(alice, { limit: 20 })).drawings[0]?.actions, '["alice"]')
      t.true(await store.remove(others[0] as string, 'one'))
      t.is((await store.list(alice, { limit: 20 })).drawings.length, 1)
      t.is((await store.list(others[1] as string, { limit: 20 })).drawings.length, 1)
    },
  )

  check('removing removes, once', async (t, store, alice) => {
    await store.save(alice, { id: 'one', actions: '[]' })
    await store.save(alice, { id: 'two', actions: '[]' })

    const answers = await Promise.all([1, 2, 3].map(() => store.remove(alice, 'one')))

    t.deepEqual(answers.toSorted(), [false, false, true])
    t.deepEqual(
      (await store.list(alice, { limit: 20 })).drawings.map(({ id }) => id),
      ['two'],
    )
    await store.save(alice, { id: 'one', actions: '["again"]' })
    t.is((await store.list(alice, { limit: 20 })).drawings.length, 2)
  })

  check('names that objects have of themselves are names like others', async (t, store, alice) => {
    const ids = ['__proto__', 'constructor', 'toString', '-', '_', '0']
    for (const id of ids) await store.save(alice, { id, actions: `["${id}"]` })

    const { drawings } = await store.list(alice, { limit: 20 })

    t.deepEqual(
      drawings.map(({ id, actions }) => [id, actions]).toSorted(),
      ids.map((id) => [id, `["${id}"]`]).toSorted(),
    )
    for (const id of ids) t.true(await store.remove(alice, id))
  })

  check('pages follow one another, without a gap and without a repetition', async (t, store, alice) => {
    const ids = Array.from({ length: 47 }, (_, n) => `drawing-${n}`)
    // All at once: many have the same time.
    await Promise.all(ids.map((id) => store.save(alice, { id, actions: '[]' })))

    for (const limit of [1, 7, 46, 47, 100]) {
      const pages = await allPages(store, alice, limit)
      const found = pages.flat()
      t.is(pages.length, Math.ceil(47 / limit), `${limit}`)
      t.deepEqual(found.map(({ id }) => id).toSorted(), ids.toSorted(), `${limit}`)
      t.deepEqual(found, found.toSorted(newestFirst))
    }
  })

  check('what happens between two pages disturbs none', async (t, store, alice) => {
    for (let n = 0; n < 9; n++) await saveAfter(store, alice, `old-${n}`, '[]')
    const first = await store.list(alice, { limit: 3 })
    t.deepEqual(
      first.drawings.map(({ id }) => id),
      ['old-8', 'old-7', 'old-6'],
    )

    await saveAfter(store, alice, 'new', '[]')
    await store.save(alice, { id: 'old-2', actions: '["changed"]' })
    // The very drawing that the page ended with, and one of the next.
    await store.remove(alice, 'old-6')
    await store.remove(alice, 'old-4')
    const second = await store.list(alice, { limit: 3, before: first.next })
    const third = await store.list(alice, { limit: 3, before: second.next })

    t.deepEqual(
      [...second.drawings, ...third.drawings].map(({ id, actions }) => id + actions),
      ['old-5[]', 'old-3[]', 'old-2["changed"]', 'old-1[]', 'old-0[]'],
    )
    t.is(third.next, undefined)
  })

  check('a page of large drawings is short, and never empty', async (t, store, alice) => {
    const large = `["${'x'.repeat(1.5 * 1024 * 1024)}"]`
    for (let n = 0; n < 7; n++) await saveAfter(store, alice, `${n}`, large)

    const pages = await allPages(store, alice, 100)

    t.deepEqual(
      pages.map((page) => page.length),
      [2, 2, 2, 1],
    )
    t.true(pages.flat().every(({ actions }) => actions === large))
  })

  check('fifty saves of one new drawing at once are one drawing', async (t, store, alice) => {
    const actions = Array.from({ length: 50 }, (_, n) => `[${n}]`)

    await Promise.all(actions.map((actions) => store.save(alice, { id: 'one', actions })))

    const { drawings } = await store.list(alice, { limit: 20 })
    t.is(drawings.length, 1)
    t.true(actions.includes(drawings[0]?.actions ?? ''))
  })

  check('a user has 500 drawings at most, however many are saved at once', async (t, store, alice) => {
    const save = (id: string) => store.save(alice, { id, actions: '[]' })
    for (let n = 0; n < 480; n += 48)
      await Promise.all(Array.from({ length: 48 }, (_, i) => save(`${n + i}`)))

    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => save(`late-${n}`)))

    const refused = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason.reason] : [],
    )
    t.deepEqual(refused, Array(30).fill('ERR_TOO_MANY_DRAWINGS'))
    t.is((await allPages(store, alice, 100)).flat().length, 500)
    // What is there can be changed, and what is removed makes room.
    await save('7')
    await t.throwsAsync(save('another'), { message: /500/ })
    t.true(await store.remove(alice, '7'))
    await save('another')
    await t.throwsAsync(save('and another'), { message: /500/ })
    // Of others there may be any number.
    await store.save(`${alice}x`, { id: 'one', actions: '[]' })
  })

  check('characters of every kind come back as they were', async (t, store, alice) => {
    const actions = '["小明 😀 \u0000 \u2028 \\ud800"]'
    await store.save(alice, { id: 'one', actions })

    t.is((await store.list(alice, { limit: 1 })).drawings[0]?.actions, actions)
  })
}

/** Saves a drawing at a later time than the one before. */
async function saveAfter(store: DrawingStore, openId: string, id: string, actions: string): Promise<void> {
  const now = Date.now()
  await until(() => Date.now() > now)
  await store.save(openId, { id, actions })
}

async function allPages(store: DrawingStore, openId: string, limit: number): Promise<Drawing[][]> {
  const pages: Drawing[][] = []
  let before: string | undefined
  do {
    const { drawings, next } = await store.list(openId, { limit, before })
    pages.push(drawings)
    before = next
  } while (before !== undefined && pages.length < 1000)
  return pages
}

function newestFirst(a: Drawing, b: Drawing): number {
  return b.savedAt - a.savedAt || (a.id < b.id ? 1 : -1)
}
