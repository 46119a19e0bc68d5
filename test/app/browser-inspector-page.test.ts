import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { Page } from 'playwright-core'
import { openPage, useBrowser } from '../support/browser.js'
import { type Shop, startShop, visit } from '../support/inspected-shop.js'
import { fits, isAccessible, looks, shoot, WIDTHS } from '../support/page.js'
import { until } from '../support/until.js'

const browser = useBrowser(test)

for (const width of WIDTHS)
  test.serial(`inspector(): at ${width} px its page fits, and axe-core finds nothing`, async (t) => {
    const shop = await startShop(t)
    const page = await openPage(t, browser(), `${shop.url}/__weapp`, { locale: 'en-US' })
    await isAccessible(t, page, 'empty')
    await visit(shop)
    await page.close()
    for (const { name, width: wanted, ...look } of looks()) {
      if (wanted !== width) continue
      const page = await openPage(t, browser(), `${shop.url}/__weapp`, look)
      await row(page, 'tampered').waitFor()
      await lookAt(t, page, `${name}-list`)
      await row(page, 'tampered').click()
      await page.locator('.differences').waitFor()
      await lookAt(t, page, `${name}-tampered`)
      if (await page.locator('#back').isVisible()) await page.locator('#back').click()
      await row(page, '/orders?page=1').click()
      await page.locator('.others summary').first().click()
      await lookAt(t, page, `${name}-login`)
      await page.locator('#tab-users').click()
      await page.locator('.session').first().waitFor()
      await lookAt(t, page, `${name}-users`)
      await page.locator('#tab-faults').click()
      await lookAt(t, page, `${name}-faults`)
      await page.context().close()
    }
  })

async function lookAt(t: ExecutionContext, page: Page, name: string): Promise<void> {
  await fits(t, page, name)
  await isAccessible(t, page, name)
  await shoot(page, name)
}

test.serial(
  'inspector(): a search and the two choices narrow the list, and say when nothing is left',
  async (t) => {
    const { page } = await open(t)
    const shown = () => page.locator('.row').count()
    const all = await shown()
    t.is(all, 11)

    for (const [text, count] of [
      ['err_untrusted', 1],
      ['小红', 2],
      ['POST', 1],
      ['orders page', 2],
      ['database', 3],
      ['nothing like this', 0],
    ] as const) {
      await page.locator('#search').fill(text)
      t.is(await shown(), count, text)
    }
    await page.getByText('No request matches.').waitFor()
    await page.locator('#search').fill('')

    for (const [kind, count] of [
      ['logins', 4],
      ['refused', 4],
      ['errors', 1],
      ['all', all],
    ] as const) {
      await page.locator('#kind').selectOption(kind)
      t.is(await shown(), count, kind)
    }
    const names = await page.locator('#user option').allInnerTexts()
    t.is(names.length, 3)
    await page.locator('#user').selectOption({ index: 2 })
    t.true((await shown()) < all)
  },
)

test.serial(
  'inspector(): by keyboard alone a request is found, looked at, replayed, and its user’s session is ended',
  async (t) => {
    const { page, shop } = await open(t)
    const focused = () =>
      page.evaluate(
        'document.activeElement.id || document.activeElement.textContent.trim()',
      ) as Promise<string>
    const tabTo = async (wanted: RegExp) => {
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press('Tab')
        if (wanted.test(await focused())) return
      }
      t.fail(`${wanted} is not reached: ${await focused()}`)
    }

    await tabTo(/^tab-requests$/)
    await tabTo(/^search$/)
    await page.keyboard.type('page=1')
    await tabTo(/^entry-/)
    await page.keyboard.press('Enter')
    t.regex(await page.locator('#detail-heading').innerText(), /\/orders\?page=1/)
    t.regex(await focused(), /^entry-/)
    await tabTo(/^Replay$/)
    await page.keyboard.press('Enter')
    await page.getByText('Sent again').first().waitFor()
    t.is(await focused(), 'Replay')
    await until(async () => (await page.locator('.row').count()) === 2)

    // The arrow keys go through the list.
    await page.keyboard.press('Shift+Tab')
    for (let i = 0; i < 12 && !/^entry-/.test(await focused()); i++) await page.keyboard.press('Shift+Tab')
    const before = await focused()
    await page.keyboard.press('ArrowUp')
    t.not(await focused(), before)
    t.regex(await focused(), /^entry-/)

    await page.locator('#tab-requests').focus()
    await page.keyboard.press('ArrowRight')
    t.is(await focused(), 'tab-users')
    await page.locator('.session').first().waitFor()
    const sessions = await page.locator('.session').count()
    await tabTo(/^End this session$/)
    await page.keyboard.press('Enter')
    await until(async () => (await page.locator('.session').count()) === sessions - 1)
    t.notRegex(await focused(), /^$/)
    t.true(await page.evaluate('document.activeElement !== document.body'))

    await page.locator('#tab-users').focus()
    await page.keyboard.press('ArrowRight')
    await tabTo(/^$/)
    await page.keyboard.press('ArrowRight')
    await page.getByText('Store · fails').waitFor()
    t.is(
      (await fetch(shop.url, { headers: { 'Weapp-Session': `${'A'.repeat(43)}.${'A'.repeat(43)}` } })).status,
      401,
    )
    t.is(await page.evaluate('document.activeElement.value'), 'fails')
  },
)

test.serial(
  'inspector(): when the server is gone, it says so, its lamps are not green, and it comes back by itself',
  async (t) => {
    const { page, shop } = await open(t)
    const { port } = new URL(shop.url)
    t.is(await page.locator('.lamp.is-unknown').count(), 0)

    await shop.close()
    await page.getByRole('alert').getByText('The server is gone').waitFor()
    t.is(await page.locator('.lamp.is-unknown').count(), 2)
    t.is(await page.locator('.lamp.is-down').count(), 1)
    // What was seen can still be read.
    await row(page, '/orders?page=1').click()
    await page.locator('#detail-heading').waitFor()
    await page.locator('#clear').click()
    await page.locator('#toast').getByText('That did not work').waitFor()
    await isAccessible(t, page, 'gone')
    await shoot(page, 'gone')

    const again = await startShop(t, { port: Number(port) })
    await page.getByText('Connected', { exact: true }).waitFor()
    await page.getByText('No requests yet.').waitFor()
    t.false(await page.locator('#gone').isVisible())
    await fetch(`${again.url}/new`)
    await row(page, '/new').waitFor()
    await shoot(page, 'back')
  },
)

test.serial('inspector(): language and theme are switched, and remembered', async (t) => {
  const { page } = await open(t)
  const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor')
  const light = await ground()
  await page.getByRole('button', { name: 'Theme: system' }).click()
  await page.getByRole('button', { name: 'Theme: light' }).click()
  await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
  t.not(await ground(), light)
  await page.getByRole('button', { name: '中文' }).click()
  await page.getByRole('tab', { name: '用户' }).waitFor()
  t.is(await page.evaluate('document.documentElement.lang'), 'zh-CN')
  t.is(await page.evaluate('document.activeElement.id'), 'language')

  await page.reload()
  await page.getByRole('button', { name: '主题：深色' }).waitFor()
  t.not(await ground(), light)
})

test.serial('inspector(): a trace is saved as a file, and a command is copied', async (t) => {
  const { page, shop } = await open(t)
  const download = page.waitForEvent('download')
  await page.locator('#export').click()
  const file = await (await download).path()
  const text = readFileSync(file, 'utf8')
  t.regex(text, /^\/\/ 11 requests, seen at /)
  for (const secret of shop.wechat.secrets()) t.false(text.includes(secret))

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await row(page, '/cart').click()
  await page.getByRole('button', { name: 'Copy as curl' }).click()
  await page.locator('#toast').getByText('Copied').waitFor()
  t.regex(
    String(await page.evaluate('navigator.clipboard.readText()')),
    /^curl 'http:.*--data-raw '\{"add":"tea"\}'/s,
  )
})

test.serial(
  'inspector(): many requests at once are said in one sentence, and change nothing that is looked at',
  async (t) => {
    const { page, shop } = await open(t)
    await row(page, '/orders?page=1').click()
    await page.getByRole('button', { name: 'Copy as curl' }).focus()
    const said: string[] = []
    await page.exposeFunction('heard', (text: string) => said.push(text))
    await page.evaluate(`new MutationObserver(() => heard(document.querySelector('#status').textContent))
    .observe(document.querySelector('#status'), { childList: true })`)

    await Promise.all(Array.from({ length: 50 }, (_, i) => fetch(`${shop.url}/many/${i}`)))
    await until(async () => (await page.locator('.row').count()) === 61)
    await until(() => said.length > 0)

    t.is(said.length, 1)
    t.is(await page.evaluate('document.activeElement.dataset.key'), 'curl')
    t.regex(await page.locator('#detail-heading').innerText(), /page=1/)
  },
)

async function open(t: ExecutionContext): Promise<{ shop: Shop; page: Page }> {
  const shop = await startShop(t)
  await visit(shop)
  const page = await openPage(t, browser(), `${shop.url}/__weapp`)
  await until(async () => (await page.locator('.row').count()) === 11)
  return { shop, page }
}

function row(page: Page, text: string) {
  return page.locator('.row').filter({ hasText: text }).first()
}
