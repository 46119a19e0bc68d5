import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext, TestFn } from 'ava'
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type FrameLocator,
  type Page,
} from 'playwright-core'
import { type Demo, type DemoOptions, startDemo } from '../../examples/one-stroke/web/server/demo.js'
import { chromiumPath } from '../../scripts/chromium.js'

/** ms that anything on a page may take. */
const PATIENCE = 10_000

/** One browser for the tests of a file. */
export function useBrowser(test: TestFn): () => Browser {
  let browser: Browser | undefined
  test.before(async () => {
    // The browser's own sandbox cannot be had by root.
    browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
  })
  test.after.always(() => browser?.close())
  return () => {
    if (!browser) throw new Error('the browser has not started')
    return browser
  }
}

/** A folder that is gone after the test. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'one-stroke-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The app and its inspector, with drawings of its own. */
export async function startApp(t: ExecutionContext, options: Partial<DemoOptions> = {}): Promise<Demo> {
  const demo = await startDemo({ port: 0, folder: options.folder ?? temporaryFolder(t), ...options })
  t.teardown(() => demo.close())
  return demo
}

/** High enough for the phone in its full size: playwright misses what it clicks in a frame that is scaled. */
const VIEWPORT = { width: 1280, height: 940 }

/** A page in a browser that nobody has used, in English. An error on it fails the test. */
export async function openPage(
  t: ExecutionContext,
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ locale: 'en-US', viewport: VIEWPORT, ...options })
  context.setDefaultTimeout(PATIENCE)
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.on('pageerror', (error) => t.fail(`on the page: ${error.stack ?? error.message}`))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) t.fail(message.text())
  })
  await page.goto(url)
  return page
}

export type Name = '小明' | '小红'

/** The phone of a user, on the page of the inspector. */
export function phoneOf(page: Page, name: Name = '小明'): FrameLocator {
  return page.frameLocator(`iframe[title=${name}]`)
}

/** Looks at the other phone. */
export async function switchTo(page: Page, name: Name): Promise<void> {
  await page.getByRole('button', { name }).click()
}

/** Begins a drawing and draws a wave, without saving it. */
export async function draw(page: Page, name: Name = '小明'): Promise<void> {
  await phoneOf(page, name).getByRole('button', { name: '画一幅' }).click()
  await stroke(page, name)
}

/** A wave across the paper. */
export async function stroke(page: Page, name: Name = '小明', height = 0.5): Promise<void> {
  const box = await phoneOf(page, name).locator('canvas').boundingBox()
  if (!box) throw new Error('there is no paper')
  const at = (part: number) => {
    const x = box.x + box.width * (0.1 + 0.8 * part)
    return [x, box.y + box.height * (height + 0.1 * Math.sin(part * 10))] as const
  }
  await page.mouse.move(...at(0))
  await page.mouse.down()
  for (let i = 1; i <= 20; i++) await page.mouse.move(...at(i / 20))
  await page.mouse.up()
}

/** The drawings that a gallery shows: what is written below each. */
export async function cards(page: Page, name: Name = '小明'): Promise<string[]> {
  return phoneOf(page, name).locator('.card-foot').allInnerTexts()
}

/** Presses a button of the inspector, and gives what it tells when that is done. */
export async function tryOut(page: Page, trial: string): Promise<string> {
  await page.locator(`[data-trial=${trial}]`).click()
  await page.locator('#story:not(.is-busy)').waitFor()
  return page.locator('#story').innerText()
}
