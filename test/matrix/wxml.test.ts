/**
 * Templates, compiled and rendered as when a mini program is opened here, beside WeChat's own compiler (wcc, of the npm
 * package miniprogram-compiler): the same tree of nodes, or a reason.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { root } from '../packages/support/pack.js'
import { type Installed, install } from './support/install.js'
import { type Data, type Files, renderByUs, renderByWcc } from './wxml/render.js'
import { SAMPLES } from './wxml/samples.js'

let installed: Installed
let wcc: string

test.before('wcc: is installed', async (t) => {
  t.timeout(300_000)
  installed = await install('wcc', [])
  wcc = join(installed.folder, 'node_modules/miniprogram-compiler/bin/linux/wcc')
})

test.after.always(() => installed?.remove())

/** Both, as text: what a compiler refuses is a text too. */
async function render(files: Files, path: string, data: Data): Promise<{ theirs: string; ours: string }> {
  const refused = (error: { stderr?: string; message: string }) => `refused: ${error.stderr || error.message}`
  const [theirs, ours] = await Promise.all([
    renderByWcc(wcc, files, path, data).catch(refused),
    renderByUs(files, path, data).catch(refused),
  ])
  return { theirs, ours }
}

const same = SAMPLES.filter(({ differs }) => differs === undefined)

test(`WXML: ${same.length} of ${SAMPLES.length} kinds of templates give what wcc gives`, async (t) => {
  for (const { name, wxml, data = {}, files } of same) {
    const { theirs, ours } = await render({ 'index.wxml': wxml, ...files }, 'index', data)
    t.is(ours, theirs, name)
  }
})

test('WXML: what differs from wcc differs for a reason', async (t) => {
  for (const { name, wxml, data = {}, files, differs } of SAMPLES) {
    if (differs === undefined) continue
    const { theirs, ours } = await render({ 'index.wxml': wxml, ...files }, 'index', data)
    t.not(ours, theirs, `${name} is the same by now: ${differs}`)
    t.false(ours.startsWith('refused'), name)
  }
})

/** Templates of whole apps, each with data that its code gives it. */
const PAGES: Record<string, Record<string, Data[]>> = {
  'examples/one-stroke/miniprogram': {
    'pages/gallery/gallery': [
      { phase: 'loading', cards: [], waiting: 0, me: {} },
      { phase: 'ready', cards: [], waiting: 0, me: { nickName: '小明', avatarUrl: 'data:,a' } },
      { phase: 'failed', cards: [], waiting: 1, me: {} },
      {
        phase: 'ready',
        waiting: 2,
        me: {},
        cards: [
          { id: 'a', picture: 'data:,p', when: '1月2日 3:04', state: 'saved' },
          { id: 'b', picture: 'data:,q', when: '', state: 'waiting' },
          { id: 'c', picture: '', when: '', state: 'refused' },
        ],
      },
    ],
    'pages/draw/draw': [
      { colors: ['#23252b', '#c92a2a'], widths: [8, 18], color: '#c92a2a', width: 8, isBlank: true },
      { colors: [], widths: [], isBlank: false },
    ],
  },
  'test/mini-programs/todo': {
    'pages/list/list': [
      { draft: '', filter: 'all', filters: ['all', 'open', 'done'], todos: [], shown: [] },
      {
        draft: 'x',
        filter: 'done',
        filters: ['all', 'done'],
        todos: [1, 2],
        shown: [{ id: 7, text: '牛奶', done: true }],
      },
    ],
    'components/todo-item/todo-item': [
      { todo: {}, mark: '○' },
      { todo: { id: 1, text: '牛奶', done: true }, mark: '●' },
    ],
    'components/panel/panel': [{ title: '待办' }],
  },
  'test/mini-programs/login': {
    'pages/sign-in/sign-in': [
      {
        name: '',
        agreed: false,
        cities: ['深圳', '广州'],
        city: 1,
        sex: '',
        phone: '',
        problem: '',
        since: '',
      },
      {
        name: '小明',
        agreed: true,
        cities: [],
        city: 0,
        sex: '男',
        phone: 'code',
        problem: '错',
        since: 'started',
      },
    ],
    'pages/me/me': [
      { name: '', user: {} },
      { name: '小明', user: { openId: 'o1', fields: { city: '0', sex: '男' } } },
    ],
  },
  'test/mini-programs/shop': {
    'pages/goods/goods': [
      {
        year: 2026,
        shelves: [
          {
            id: 'f',
            name: '水果',
            goods: [
              { id: 'a', name: '苹果', cents: 350, tags: ['脆', '甜'] },
              { id: 'b', name: '梨', cents: 275, tags: [] },
            ],
          },
          { id: 't', name: '茶', goods: [] },
        ],
      },
    ],
    'pages/cart/cart': [
      { lines: [], visits: 1 },
      { lines: [{ id: 'a', name: '苹果', cents: 350, count: 2 }], visits: 2 },
    ],
    'pages/detail/detail': [
      { one: {}, added: false },
      { one: { name: '苹果', cents: 350 }, added: true },
    ],
    'components/price-tag/price-tag': [{ cents: 350 }],
  },
}

for (const [app, pages] of Object.entries(PAGES)) {
  const count = Object.values(pages).flat().length
  test(`WXML: the templates of ${app} give what wcc gives, with ${count} sets of data`, async (t) => {
    const files = await readTemplates(join(root, app))
    for (const [path, sets] of Object.entries(pages)) {
      for (const data of sets) {
        const { theirs, ours } = await render(files, path, data)
        t.is(ours, theirs, path)
        t.true(ours.startsWith('<'), ours)
      }
    }
  })
}

async function readTemplates(folder: string): Promise<Files> {
  const names = await readdir(folder, { recursive: true })
  const paths = names.filter((name) => /\.(wxml|wxs)$/.test(name) && !name.includes('node_modules'))
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, await readFile(join(folder, path), 'utf8')] as const)),
  )
}
