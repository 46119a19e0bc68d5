/// <reference lib="dom" />
import { once } from 'node:events'
import { appendFile, cp, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { createWechat, type Wechat } from '../../simulator/src/index.js'
import { openMiniProgram } from '../../simulator/src/open/index.js'
import { openPage, temporaryFolder, useBrowser } from '../support/browser.js'

const browser = useBrowser(test)
const programs = fileURLToPath(new URL('../mini-programs', import.meta.url))

interface Opened {
  url: string
  folder: string
  wechat: Wechat
  log: string[]
  page: Page
}

/** A copy of one of the mini programs, opened in a browser: the phone alone. */
async function open(
  t: ExecutionContext,
  name: string,
  { path = '/phone?user=alice', replace = {} }: { path?: string; replace?: Record<string, string> } = {},
): Promise<Opened> {
  const folder = temporaryFolder(t)
  await cp(join(programs, name), folder, { recursive: true })
  const wechat = createWechat()
  const log: string[] = []
  const { url, close } = await openMiniProgram({ folder, wechat, replace, log: (one) => log.push(one) })
  t.teardown(async () => {
    await close()
    await wechat.close()
  })
  const page = await openPage(t, browser(), url + path, { viewport: { width: 390, height: 780 } })
  return { url, folder, wechat, log, page }
}

test.serial('openMiniProgram(): a list with components, slots, observers and storage', async (t) => {
  const { page, url } = await open(t, 'todo')
  await page.getByText('没有了').waitFor()
  const draft = page.getByPlaceholder('要做什么？')
  for (const text of ['牛奶', '面包']) {
    await draft.fill(text)
    await page.getByRole('button', { name: '添加' }).click()
  }
  await page.getByText('待办 2').waitFor()
  t.is(await draft.inputValue(), '')
  t.deepEqual(await page.locator('todo-item .number').allInnerTexts(), ['#1', '#2'])

  // By the keyboard: the component calls itself a button.
  await page.getByRole('button', { name: '牛奶' }).press('Enter')
  t.deepEqual(await page.locator('todo-item .c1--mark, todo-item .c2--mark').allInnerTexts(), ['●', '○'])
  await page.getByRole('button', { name: 'open', exact: true }).click()
  t.deepEqual(await page.locator('todo-item .number').allInnerTexts(), ['#1'])
  await page.getByRole('button', { name: '面包' }).click({ delay: 600 })
  await page.getByRole('dialog').getByRole('button', { name: '确定' }).click()
  await page.getByText('没有了').waitFor()

  await page.reload()
  await page.getByText('待办 1').waitFor()
  const other = await openPage(t, browser(), `${url}/phone?user=bob`)
  await other.getByText('待办 0').waitFor()
})

test.serial(
  'openMiniProgram(): a component’s styles are its own, and the app’s where it asks for them',
  async (t) => {
    const { page } = await open(t, 'todo')
    await page.getByPlaceholder('要做什么？').fill('牛奶')
    await page.getByPlaceholder('要做什么？').press('Enter')
    await page.getByRole('button', { name: '牛奶' }).click()
    const style = (selector: string, name: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), name)

    // The page says that .title is red; the component is another place.
    t.is(await style('wx-panel view view >> nth=0', 'color'), 'rgb(18, 52, 86)')
    // addGlobalClass, in the JavaScript of the component: .done of app.wxss.
    t.is(await style('todo-item > view', 'text-decoration-line'), 'line-through')
    t.is(await style('page', 'padding-top'), `${(24 * 390) / 750}px`)
  },
)

test.serial(
  'openMiniProgram(): a form, a login, a phone number, and the server of the app elsewhere',
  async (t) => {
    const backend = await startBackend(t)
    const { page, wechat } = await open(t, 'login', {
      replace: { 'config.js': `module.exports = { baseUrl: '${backend.url}' }` },
    })
    await page.getByText('started').waitFor()
    await page.getByRole('button', { name: '登录' }).click()
    await page.getByText('请先同意').waitFor()

    await page.getByPlaceholder('怎么称呼你').fill('小明')
    await page.getByText('你好，小明！').waitFor()
    await page.getByRole('button', { name: '城市' }).click()
    await page.getByRole('dialog').getByRole('combobox').selectOption('广州')
    await page.getByRole('dialog').getByRole('button', { name: '确定' }).click()
    await page.getByRole('button', { name: '城市' }).getByText('广州').waitFor()
    await page.getByRole('radio', { name: '男' }).check()
    await page.getByRole('switch', { name: '同意' }).check()
    await page.getByRole('button', { name: '获取手机号' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '不允许' }).click()
    await page.getByText('getPhoneNumber:fail user deny').waitFor()
    await page.getByRole('button', { name: '获取手机号' }).click()
    await page.getByRole('dialog').getByRole('button', { name: '允许', exact: true }).click()
    await page.getByRole('button', { name: '手机号已获取' }).waitFor()
    await page.getByRole('button', { name: '登录' }).click()

    await page.getByText('小明 · o-').waitFor()
    const [{ code = '', phone = '', ...fields } = {}] = backend.bodies
    t.deepEqual(fields, { name: '小明', city: 1, sex: '男', agreed: true })
    const answer = await wechat.fetch(
      `https://api.weixin.qq.com/sns/jscode2session?appid=${wechat.appId}&secret=${wechat.appSecret}&js_code=${code}&grant_type=authorization_code`,
    )
    t.is(((await answer.json()) as { openid: string }).openid, wechat.user('alice').openId)
    t.is(typeof phone, 'string')
    t.is((await page.locator('.page').count()) >= 2, true)
    await page.getByRole('button', { name: '返回上一页' }).click()
    t.is(await page.getByPlaceholder('怎么称呼你').inputValue(), '小明')
  },
)

test.serial(
  'openMiniProgram(): tabs, TypeScript, imports, templates, WXS, pictures, and what is not simulated',
  async (t) => {
    const { page, log } = await open(t, 'shop')
    t.deepEqual(log, ['<map> is neither simulated nor in usingComponents.'])
    await page.getByText('1. 水果 (2)').waitFor()
    t.deepEqual(await page.locator('price-tag').allInnerTexts(), ['¥3.50', '¥2.75', '¥48.00'])
    t.deepEqual(await page.locator('.card').first().innerText(), '苹果\n¥3.50\n脆·甜'.replaceAll('\n', ''))
    t.true(await page.locator('image img').evaluate((image) => (image as HTMLImageElement).naturalWidth > 0))

    await page.locator('.card').first().click()
    await page.getByRole('heading', { name: '商品' }).waitFor({ state: 'hidden' })
    await page.getByRole('heading', { name: '苹果' }).waitFor()
    await page.getByText('<map> 模拟器不支持这个组件').waitFor()
    await page.getByRole('log').getByText('<map> is neither simulated').waitFor()
    await page.getByRole('button', { name: '关闭' }).click()
    await page.getByRole('button', { name: '加入购物车' }).click()
    await page.getByRole('button', { name: '已加入' }).isDisabled()
    await page.getByRole('link', { name: '去购物车' }).press('Enter')

    await page.getByText('苹果 × 1').waitFor()
    await page.getByText('¥3.50').last().waitFor()
    await page.getByText('第 1 次').waitFor()
    const tab = (name: string) => page.locator('.page:not([hidden]) .tabs').getByRole('button', { name })
    t.is(await tab('购物车').getAttribute('aria-current'), 'page')
    await tab('商品').click()
    await page.getByText('1. 水果 (2)').waitFor()
    await tab('购物车').click()
    await page.getByText('第 2 次').waitFor()
  },
)

test.serial(
  'openMiniProgram(): a file that changes is on the page at once, and so is a mistake in it',
  async (t) => {
    const { page, folder } = await open(t, 'todo', { path: '/?user=carol' })
    const phone = page.frameLocator('iframe')
    await phone.getByText('没有了').waitFor()
    t.is(await page.getByLabel('User').inputValue(), 'carol')

    const list = join(folder, 'pages/list/list.wxml')
    await appendFile(list, '<view>新的一行</view>')
    await phone.getByText('新的一行').waitFor()
    await writeFile(join(folder, 'app.js'), 'App({')
    await phone.getByText('app.js:1:').waitFor()
    await writeFile(join(folder, 'app.js'), "App({ onLaunch() { throw new Error('nobody is here') } })")
    await phone.getByRole('log').getByText('nobody is here').waitFor()
  },
)

/** A page whose code says in #said what it finds out, and a component in it. */
const KINDS = {
  'app.json': '{ "pages": ["index", "other", "asked"] }',
  'app.js': `App({ onLaunch({ path }) { this.path = path }, onShow() { this.shown = true } })`,
  'index.json': '{ "usingComponents": { "c-canvas": "./canvas" } }',
  'index.wxml': `
    <view id="said">{{said}}</view><view id="typed">{{a.b[1]}} {{typed}}</view>
    <c-canvas id="paper" bind:ready="ready" model:size="{{size}}" data-kind="paper">{{size}}</c-canvas>
    <textarea model:value="{{typed}}" maxlength="-1" aria-label="文字" />
    <scroll-view scroll-y style="height: 100rpx" bindscrolltolower="lower"><view style="height: 1000rpx">long</view></scroll-view>
    <checkbox-group bindchange="choose"><checkbox value="x" aria-label="x" /><checkbox value="y" checked aria-label="y" /></checkbox-group>
    <slider value="{{20}}" step="5" bindchange="slide" aria-label="多少" />
    <view catchtap="caught"><button class="press" bindtap="tapped">按</button></view>
    <button bindtap="ask">问</button>
    <text decode>&lt;b&gt;&nbsp;</text><progress percent="{{40}}" /><icon type="success" />
    <picker mode="region"><view>地区</view></picker>
    <navigator url="/other?q=a%20b&empty=" open-type="redirect">去</navigator>`,
  'index.js': `Page({
    data: { said: '', a: { b: [1, 2] }, size: 3, typed: '' },
    say(what) { this.setData({ said: this.data.said + what + ';' }) },
    onLoad() { this.setData({ 'a.b[1]': 5 }); this.say(getApp().path + getApp().shown) },
    onReady() {
      this.say(getCurrentPages().map(({ route }) => route).join())
      wx.createSelectorQuery().select('#paper').fields({ dataset: true, size: true }).selectAll('.press').boundingClientRect()
        .exec(([{ dataset, width }, all]) => this.say(dataset.kind + (width > 0) + all.length))
      this.say(typeof wx.createBLEConnection + typeof wx.noSuchApi + wx.canIUse('login') + wx.canIUse('scanCode'))
      wx.setStorage({ key: 'k', data: { n: 1 } }).then(() => wx.getStorage({ key: 'k' })).then(({ data }) => this.say('stored' + data.n))
      wx.getStorage({ key: 'none', fail: ({ errMsg }) => this.say(errMsg) })
    },
    ready({ detail }) { this.say('canvas' + detail.width + this.selectComponent('#paper').data.size) },
    lower() { if (!this.low) this.say('lower'); this.low = true },
    choose({ detail }) { this.say(detail.value.join('+')) },
    slide({ detail }) { this.say('slid' + detail.value) },
    tapped({ type, target, detail }) { this.say(type + typeof detail.x + typeof target.dataset) },
    caught({ mark }) { this.say('caught') },
    ask() {
      wx.navigateTo({
        url: 'asked',
        events: { answer: (text) => this.say('answered ' + text) },
        success: ({ eventChannel }) => eventChannel.emit('question', 'who'),
      })
    },
  })`,
  'canvas.json': '{ "component": true }',
  'canvas.wxml': '<canvas type="2d" id="c" style="width: 100px; height: 50px" /><slot />',
  'canvas.js': `Component({
    behaviors: [Behavior({ data: { shared: 1 } }), 'wx://component-export'],
    properties: { size: Number },
    lifetimes: {
      ready() {
        this.createSelectorQuery().select('#c').fields({ node: true, size: true }).exec(([{ node, width }]) => {
          node.getContext('2d').fillRect(0, 0, 1, 1)
          this.setData({ size: this.data.size + this.data.shared })
          this.triggerEvent('ready', { width })
        })
      },
    },
  })`,
  'asked.wxml': '<view id="asked">{{asked}}</view>',
  'asked.js': `Page({ onLoad() {
    const channel = this.getOpenerEventChannel()
    channel.emit('answer', 'at once')
    channel.on('question', (asked) => this.setData({ asked }))
  } })`,
  'other.wxml': '<view id="said">{{said}}</view>',
  'other.js': `Page({ onLoad(query) { this.setData({ said: JSON.stringify(query) }) } })`,
}

test.serial(
  'openMiniProgram(): pages, components, queries, events and storage do as in WeChat',
  async (t) => {
    const folder = temporaryFolder(t)
    for (const [path, text] of Object.entries(KINDS)) await writeFile(join(folder, path), text)
    const wechat = createWechat()
    const { url, close } = await openMiniProgram({ folder, wechat, watch: false })
    t.teardown(async () => {
      await close()
      await wechat.close()
    })
    const page = await openPage(t, browser(), `${url}/phone`)
    const said = (words: string) => page.locator('#said', { hasText: words }).waitFor()
    for (const words of [
      'indextrue;',
      'index;',
      'papertrue1;',
      'functionundefinedtruefalse;',
      'stored1;',
      'getStorage:fail data not found;',
      'canvas1004;',
    ]) {
      await said(words)
    }
    await page.locator('c-canvas', { hasText: '4' }).waitFor()
    await page.getByRole('textbox', { name: '文字' }).fill('很长'.repeat(100))
    await page.locator('#typed', { hasText: `5 ${'很长'.repeat(100)}` }).waitFor()
    await page.locator('scroll-view').evaluate((element) => element.scrollTo({ top: 9999 }))
    await said('lower;')
    await page.getByRole('checkbox', { name: 'x' }).check()
    await said('x+y;')
    await page.getByRole('slider', { name: '多少' }).press('ArrowRight')
    await said('slid25;')
    await page.getByRole('button', { name: '按' }).click()
    await said('tapnumberobject;caught;')
    await page.getByRole('button', { name: '问' }).click()
    await page.locator('#asked', { hasText: 'who' }).waitFor()
    await page.getByRole('button', { name: '返回' }).click()
    await said('answered at once;')
    t.is(await page.locator('text').innerText(), '<b>\u00a0')
    await page.getByText('地区').click()
    await page.getByRole('log').getByText('<picker mode="region"> is not simulated.').waitFor()
    await page.getByRole('button', { name: '关闭' }).click()
    await page.getByRole('link', { name: '去' }).click()
    t.is(await page.locator('#said').innerText(), '{"q":"a%20b","empty":""}')
  },
)

interface Backend {
  url: string
  bodies: Record<string, string>[]
}

/** The server of an app: another origin, and without a word of CORS. */
async function startBackend(t: ExecutionContext): Promise<Backend> {
  const bodies: Backend['bodies'] = []
  const server: Server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    bodies.push(JSON.parse(text))
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ openId: 'o-1', fields: { a: 1 } }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}
