/**
 * Components that others publish for mini programs, in a mini program that is opened in a browser: by the package as it is
 * published, with the framework that its users install.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { chromium } from 'playwright-core'
import { chromiumPath } from '../../scripts/chromium.js'
import type * as simulator from '../../simulator/src/index.js'
import type * as open from '../../simulator/src/open/index.js'
import { packSimulator } from '../packages/support/pack.js'
import { type Installed, install } from './support/install.js'

let installed: Installed

test.before('Vant and TDesign: are installed', async (t) => {
  t.timeout(300_000)
  installed = await install('components', [packSimulator])
})

test.after.always(() => installed?.remove())

test('openMiniProgram(): components of Vant and TDesign are shown, and do what they do', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'weapp-components-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await cp(join(installed.folder, 'program'), folder, { recursive: true })
  // What DevTools does for 构建 npm.
  for (const [name, dist] of [
    ['@vant/weapp', 'dist'],
    ['tdesign-miniprogram', 'miniprogram_dist'],
  ] as const) {
    const from = join(installed.folder, 'node_modules', name, dist)
    await cp(from, join(folder, 'miniprogram_npm', name), { recursive: true })
  }
  const { createWechat } = await published<typeof simulator>('index.js')
  const { openMiniProgram } = await published<typeof open>('open/index.js')
  const wechat = createWechat()
  const log: string[] = []
  const { url, close } = await openMiniProgram({ folder, wechat, watch: false, log: (one) => log.push(one) })
  const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
  t.teardown(async () => {
    await browser.close()
    await close()
    await wechat.close()
  })
  const page = await browser.newPage({ viewport: { width: 390, height: 780 } })
  page.setDefaultTimeout(10_000)
  page.on('pageerror', (error) => t.fail(error.stack))
  await page.goto(`${url}/phone?user=alice`)
  const said = (words: string) => page.locator('#said', { hasText: words }).waitFor()

  await said('2 3 true text true false 1 false')
  await page.locator('#count [class*="stepper__plus"]').click()
  await page.locator('#rate [class*="rate__item"]').nth(4).click()
  await page.locator('#on > view').click()
  await page.getByPlaceholder('Vant 输入').fill('小明')
  await page.getByText('复选框').click()
  await said('3 5 false 小明 false')
  await page.getByText('内容甲').waitFor()
  await page.getByText('二', { exact: true }).click()
  await page.getByText('内容乙').waitFor()
  await page.getByRole('button', { name: '增加1' }).click()
  await page.getByRole('switch').press(' ')
  await page.getByPlaceholder('TDesign 输入').fill('打字')
  await said('2 true 打字')
  await page.getByText('打开').click()
  await page.getByText('弹出层').waitFor()
  await page.locator('.van-overlay').click({ position: { x: 5, y: 5 } })
  await page.getByText('弹出层').waitFor({ state: 'hidden' })

  t.deepEqual(log, [])
  t.is(await page.getByRole('log').count(), 0, 'nothing was missing')
})

/** A module of the package as it was installed. */
function published<T>(file: string): Promise<T> {
  return import(join(installed.folder, 'node_modules/weapp-simulator/dist', file)) as Promise<T>
}
