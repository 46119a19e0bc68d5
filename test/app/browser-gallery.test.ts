import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import test from 'ava'
import { createWechat } from '../../simulator/src/index.js'

// The mini program is CommonJS.
const require = createRequire(import.meta.url)
const { createGallery } =
  require('../../examples/one-stroke/miniprogram/model/gallery.js') as typeof import('../../examples/one-stroke/miniprogram/model/gallery.js')

const STROKES = [{ color: '#000000', width: 8, points: [1, 2, 30, 40] }]
const ACTIONS = JSON.stringify(STROKES)

interface Drawing {
  id: string
  actions: string
}

/** A gallery, and a server whose lists arrive when they are told to. */
function setUp() {
  const { wx } = createWechat().phone()
  const lists: { before: string | undefined; answer(page: (string | Drawing)[], next?: string): void }[] = []
  let isUp = true
  const gallery = createGallery({
    storage: wx,
    api: {
      list: ({ before }) =>
        new Promise((resolve) => {
          const answer = (page: (string | Drawing)[], next?: string) =>
            resolve({
              drawings: page.map((one) => (typeof one === 'string' ? { id: one, actions: ACTIONS } : one)),
              next,
            })
          lists.push({ before, answer })
        }),
      async save() {
        if (!isUp) throw new Error('no network')
      },
      async remove() {
        if (!isUp) throw new Error('no network')
      },
    },
  })
  const ids = () => gallery.view().cards.map(({ id, state }) => `${id} ${state}`)
  const setUp = (value: boolean) => {
    isUp = value
  }
  return { gallery, lists, ids, setUp }
}

test('gallery: a drawing that is saved while the list loads stays in view', async (t) => {
  const { gallery, lists, ids } = setUp()
  const loading = gallery.load()
  await turn()
  gallery.keep('new', STROKES)
  await gallery.save()

  lists[0]?.answer(['old'])
  await loading

  t.deepEqual(ids(), ['new saved', 'old saved'])
})

test('gallery: it saves waiting drawings before it asks for the list', async (t) => {
  const { gallery, lists, ids } = setUp()
  gallery.keep('new', STROKES)
  const loading = gallery.load()
  await turn()
  t.is(gallery.view().waiting, 0)

  lists[0]?.answer(['new', 'old'])
  await loading

  t.deepEqual(ids(), ['new saved', 'old saved'])
})

test('gallery: the phone’s version of a drawing is shown until the server has it', async (t) => {
  const { gallery, lists, ids, setUp: setServer } = setUp()
  const loading = gallery.load()
  await turn()
  lists[0]?.answer(['a', 'b'])
  await loading
  setServer(false)

  gallery.keep('b', [...STROKES, ...STROKES])
  await gallery.remove('a')
  t.deepEqual(ids(), ['b waiting'])
  t.is(gallery.strokes('b').length, 2)

  setServer(true)
  t.true(await gallery.save())
  t.deepEqual(ids(), ['b saved'])
})

test('gallery: pages follow each other, without a drawing twice', async (t) => {
  const { gallery, lists, ids } = setUp()
  const loading = gallery.load()
  await turn()
  lists[0]?.answer(['c', 'b'], 'after b')
  await loading

  const more = gallery.more()
  void gallery.more()
  await turn()
  t.is(lists.length, 2)
  t.is(lists[1]?.before, 'after b')
  lists[1]?.answer(['b', 'a'])
  await more

  t.deepEqual(ids(), ['c saved', 'b saved', 'a saved'])
  await gallery.more()
  t.is(lists.length, 2)
})

test('gallery: a drawing from which every stroke was taken back is deleted', async (t) => {
  const { gallery, ids } = setUp()
  gallery.keep('a', STROKES)
  await gallery.save()

  gallery.keep('a', [])
  t.deepEqual(ids(), [])
  t.is(gallery.view().waiting, 1)
  await gallery.save()
  t.deepEqual(ids(), [])
})

test('gallery: a drawing of the original app’s pages is seen, and can be gone on with', async (t) => {
  const { gallery, lists } = setUp()
  const loading = gallery.load()
  await turn()
  const path = [
    { method: 'moveTo', data: [75, 150] },
    { method: 'lineTo', data: [150, 300] },
  ]
  const actions = JSON.stringify([
    { method: 'save', data: [] },
    { method: 'setStrokeStyle', data: ['normal', [255, 165, 0, 255]] },
    { method: 'setLineWidth', data: [6] },
    { method: 'strokePath', data: path },
    { method: 'restore', data: [] },
  ])
  lists[0]?.answer([{ id: 'old', actions }])
  await loading

  t.deepEqual(gallery.strokes('old'), [{ color: '#ffa500', width: 16, points: [200, 400, 400, 800] }])
  t.regex(decodeURIComponent(gallery.view().cards[0]?.picture ?? ''), /stroke="#ffa500" stroke-width="16"/)
})
