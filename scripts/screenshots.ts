/**
 * `npm run screenshots`: the README's pictures, from the running app, into docs/images/. They need a font with Chinese
 * in it; where there is none, Debian's is installed.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContextOptions, chromium, type FrameLocator, type Page } from 'playwright-core'
import { startDemo } from '../examples/one-stroke/web/server/demo.js'
import { chromiumPath } from './chromium.js'
import { ensureProgram } from './debian.js'

const images = fileURLToPath(new URL('../docs/images/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'one-stroke-'))

const LAPTOP = { width: 1280, height: 800 }
/** High enough for a phone in its full size: playwright misses what it clicks in a frame that is scaled. */
const DESK = { width: 1280, height: 940 }
const PHONE = { width: 390, height: 844 }

type Points = (part: number) => [x: number, y: number]

/** Drawings of one stroke or two, in parts of the paper. */
const DRAWINGS: { color: number; width: number; points: Points }[][] = [
  [
    { color: 1, width: 2, points: heart },
    { color: 0, width: 0, points: wave },
  ],
  [
    { color: 4, width: 1, points: spiral },
    { color: 2, width: 2, points: (part) => circle(part, 0.78, 0.2, 0.08) },
  ],
  [
    { color: 3, width: 1, points: (part) => flower(part, 0.32) },
    { color: 5, width: 2, points: (part) => circle(part, 0.5, 0.45, 0.06) },
  ],
]

ensureFont()
const hasQuant = ensureProgram({ command: 'pngquant', versionFlag: '--version', package: 'pngquant' })
mkdirSync(images, { recursive: true })
const demo = await startDemo({ port: 0, folder })
const browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] })
try {
  await laptop('zh-CN', 'light', 'one-stroke')
  await laptop('en-US', 'dark', 'one-stroke-dark')
  await phone()
} finally {
  await browser.close()
  await demo.close()
  rmSync(folder, { recursive: true, force: true })
}

async function laptop(locale: string, colorScheme: 'light' | 'dark', name: string): Promise<void> {
  const page = await open({ viewport: DESK, locale, colorScheme })
  const app = page.frameLocator('iframe[title=小明]')
  await app.getByRole('button', { name: '画一幅' }).waitFor()
  await app.locator('.card, .empty').first().waitFor()
  if ((await app.locator('.card').count()) === 0)
    for (const drawing of DRAWINGS) await draw(page, app, drawing)
  const inspector = page.frameLocator('iframe.inspector')
  await inspector.locator('#clear').click()
  await page.locator('[data-trial=expire]').click()
  await page.locator('#story:not(.is-busy)').waitFor()
  await page.setViewportSize(LAPTOP)
  await inspector.locator('.row').first().click()
  await inspector.locator('#toast').waitFor({ state: 'hidden' })
  await page.mouse.move(0, 0)
  await shoot(page, name)
}

async function phone(): Promise<void> {
  const options = { viewport: PHONE, locale: 'zh-CN', deviceScaleFactor: 1.5, isMobile: true, hasTouch: true }
  const page = await open(options)
  const app = page.frameLocator('iframe[title=小明]')
  await app.locator('.card').first().waitFor()
  await shoot(page, 'phone-gallery')
  await app.locator('.card').nth(1).click()
  await app.locator('canvas').waitFor()
  await shoot(page, 'phone-drawing')
  await page.getByRole('button', { name: '试一试' }).click()
  await page.locator('[data-trial=burst]').click()
  await page.locator('#story:not(.is-busy)').waitFor()
  await shoot(page, 'phone-inspector')
}

async function open(options: BrowserContextOptions): Promise<Page> {
  // Pages that slide in would be drawn on while they move.
  const page = await (await browser.newContext({ reducedMotion: 'reduce', ...options })).newPage()
  await page.goto(demo.url)
  return page
}

async function shoot(page: Page, name: string): Promise<void> {
  // What moves has come to rest.
  await page.evaluate('new Promise((resolve) => setTimeout(resolve, 400))')
  const path = join(images, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled' })
  // A third of the size, and nobody sees the difference.
  if (hasQuant) spawnSync('pngquant', ['--force', '--ext', '.png', '--skip-if-larger', '128', path])
  console.log(`docs/images/${name}.png`)
}

async function draw(page: Page, app: FrameLocator, strokes: (typeof DRAWINGS)[number]): Promise<void> {
  await app.getByRole('button', { name: '画一幅' }).click()
  const box = await app.locator('canvas').boundingBox()
  if (!box) throw new Error('there is no paper')
  for (const { color, width, points } of strokes) {
    await app.locator('.color').nth(color).click()
    await app.locator('.width').nth(width).click()
    for (let i = 0; i <= 120; i++) {
      const [x, y] = points(i / 120)
      await page.mouse.move(box.x + x * box.width, box.y + y * box.height)
      if (i === 0) await page.mouse.down()
    }
    await page.mouse.up()
  }
  await app.getByRole('button', { name: '保存' }).click()
  await app.locator('.toast').waitFor({ state: 'detached' })
}

function heart(part: number): [number, number] {
  const angle = part * 2 * Math.PI
  const x = 16 * Math.sin(angle) ** 3
  const y = 13 * Math.cos(angle) - 5 * Math.cos(2 * angle) - 2 * Math.cos(3 * angle) - Math.cos(4 * angle)
  return [0.5 + x / 48, 0.42 - y / 60]
}

function wave(part: number): [number, number] {
  return [0.12 + 0.76 * part, 0.82 + 0.04 * Math.sin(part * 6 * Math.PI)]
}

function spiral(part: number): [number, number] {
  const angle = part * 7 * Math.PI
  return [0.45 + 0.32 * part * Math.cos(angle), 0.55 + 0.26 * part * Math.sin(angle)]
}

function circle(part: number, x: number, y: number, radius: number): [number, number] {
  const angle = part * 2 * Math.PI
  return [x + radius * Math.cos(angle), y + radius * 0.8 * Math.sin(angle)]
}

function flower(part: number, size: number): [number, number] {
  const angle = part * 2 * Math.PI
  const radius = size * (0.55 + 0.45 * Math.cos(6 * angle))
  return [0.5 + radius * Math.cos(angle), 0.45 + radius * 0.8 * Math.sin(angle)]
}

function ensureFont(): void {
  const hasChinese = () => spawnSync('fc-list', [':lang=zh'], { encoding: 'utf8' }).stdout?.trim() !== ''
  if (hasChinese()) return
  // A font is no program: this one is never there, so its package is installed.
  ensureProgram({ command: 'fonts-noto-cjk', versionFlag: '', package: 'fonts-noto-cjk' })
  if (!hasChinese()) console.warn('There is no font with Chinese here: its characters will be boxes.')
}
