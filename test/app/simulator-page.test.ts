import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { createSimulatorServer, type SimulatorServer } from '../../simulator/src/index.js'
import { openPage, temporaryFolder, useBrowser } from '../support/browser.js'
import { controlAt, type Json, startSimulator } from '../support/simulator-server.js'

const browser = useBrowser(test)

test.serial('the simulator’s page: a user, a code, a login, and the call is there', async (t) => {
  const { url, exchange } = await startSimulator(t)
  const page = await openPage(t, browser(), url)
  await page.getByText('There is no user yet.').waitFor()
  await page.getByText('No call yet.').waitFor()
  await page.getByText('No fault waits.').waitFor()
  await page.getByText('None. GET /cgi-bin/token gives one.').waitFor()

  await page.getByLabel('Name').fill('爱丽丝')
  await page.getByRole('button', { name: 'Add a user' }).click()
  await page.getByRole('button', { name: 'wx.login → code' }).click()
  const answer = JSON.parse(await page.locator('#users pre').innerText())
  const snippet = await page.locator('#snippet').innerText()
  t.true(snippet.includes(answer.code), 'the snippet has the fresh code')
  const { session_key } = await exchange(answer.code)

  await page.locator('#calls').getByText('GET /sns/jscode2session').click()
  await page.locator('#calls pre').filter({ hasText: session_key }).waitFor()
  await page.locator('#users').getByText(session_key).waitFor()
})

test.serial('the simulator’s page: its login in each language works as it is copied', async (t) => {
  const { url } = await startSimulator(t)
  const page = await openPage(t, browser(), url)
  const folder = temporaryFolder(t)
  const programs: [language: string, file: string, command: string, ...args: string[]][] = [
    ['curl', 'login.sh', 'sh'],
    ['Node.js', 'login.mjs', process.execPath],
    ['Python', 'login.py', 'python3'],
    ['PHP', 'login.php', 'php'],
    ['Go', 'login.go', 'go', 'run'],
  ]
  for (const [language, name, command, ...args] of programs) {
    if (spawnSync(command, ['--version']).error) {
      t.log(`SKIPPED: there is no ${command}`)
      continue
    }
    await page.getByLabel('Language').selectOption(language)
    const before = await page.locator('#snippet').innerText()
    await page.getByRole('button', { name: 'Fresh code' }).click()
    await page.locator('#snippet').filter({ hasNotText: before }).waitFor()
    const file = join(folder, name)
    writeFileSync(file, (await page.locator('#snippet').textContent()) ?? '')

    const { stdout } = await promisify(execFile)(command, [...args, file])

    t.regex(stdout, /session_key.*[\s\S]*openid.*o[\w-]{27}/, language)
  }
  t.deepEqual(
    await page.locator('#snippet-language option').allInnerTexts(),
    programs.map(([language]) => language),
  )
})

test.serial('the simulator’s page: each button of a user, and what they change', async (t) => {
  const { url, ask } = await startSimulator(t)
  const page = await openPage(t, browser(), url)
  const { code } = await ask('POST', '/users/alice/code')
  const key = async () => (await ask('GET', '/users/alice')).sessionKey
  const first = await key()
  const press = async (name: string) => {
    await page.getByRole('button', { name, exact: true }).click()
    return page.locator('#users pre')
  }

  t.truthy(code)
  await (await press('User info')).filter({ hasText: '"signature"' }).waitFor()
  await (await press('Phone number')).filter({ hasText: '"encryptedData"' }).waitFor()
  await (await press('New session_key')).filter({ hasText: '"sessionKey"' }).waitFor()
  t.not(await key(), first)
  await (await press('End session_key')).filter({ hasText: '"deleted"' }).waitFor()
  await page.getByText('none: never logged in, or ended').waitFor()
  // A refusal is said.
  await press('User info')
  await page.getByRole('status').filter({ hasText: 'The user has no session_key' }).waitFor()
  await press('Delete')
  await page.getByText('There is no user yet.').waitFor()
  t.is(await page.evaluate('document.activeElement.id'), 'users-title')
})

test.serial('the simulator’s page: faults, the clock, tokens and the reset', async (t) => {
  const { url, exchange, ask, wechat } = await startSimulator(t)
  const page = await openPage(t, browser(), url)

  await page.getByLabel('What happens').selectOption({ label: 'errcode 45011: WeChat refuses' })
  await page.getByLabel('Which call').selectOption('/sns/jscode2session')
  await page.getByLabel('How often').fill('2')
  await page.getByRole('button', { name: 'Wait for the call' }).click()
  await page.locator('#faults').getByText('× 2').waitFor()
  t.is((await exchange('x')).errcode, 45011)
  await page.locator('#faults').getByText('× 1').waitFor()
  await page.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByText('No fault waits.').waitFor()

  await page.getByRole('button', { name: '+2 h' }).click()
  await page.getByText('ahead by 2 h').waitFor()

  const query = `grant_type=client_credential&appid=${wechat.appId}&secret=${wechat.appSecret}`
  await fetch(`${url}/cgi-bin/token?${query}`)
  await page.locator('#tokens').getByText('token · until').waitFor()
  await page.getByRole('button', { name: 'End all tokens' }).click()
  await page.getByText('None. GET /cgi-bin/token gives one.').waitFor()

  page.once('dialog', (dialog) => dialog.accept())
  await page.getByRole('button', { name: 'Reset everything' }).click()
  await page.getByText('No call yet.').waitFor()
  await page.getByText('in step with this machine').waitFor()
  t.is((await ask('GET', '/clock')).ahead, 0)
})

test.serial(
  'the simulator’s page: it says when the simulator is gone, and when it is back goes on',
  async (t) => {
    const first = await startSimulator(t)
    const page = await openPage(t, browser(), first.url)
    await first.ask('POST', '/users', { name: 'alice' })
    await page.getByRole('heading', { name: 'alice' }).waitFor()

    await first.close()
    await page.getByRole('alert').getByText('The simulator does not answer.').waitFor()

    const second: SimulatorServer = createSimulatorServer()
    t.teardown(() => second.close())
    await second.listen(Number(new URL(first.url).port))
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    await page.getByText('There is no user yet.').waitFor()
    await page.locator('#app').getByText(second.wechat.appId).waitFor()
    t.pass()
  },
)

test.serial('the simulator’s page: by the keyboard alone, and what comes takes no focus away', async (t) => {
  const { url, ask, exchange } = await startSimulator(t)
  await ask('POST', '/users', { name: 'alice' })
  const page = await openPage(t, browser(), url)
  await page.getByRole('heading', { name: 'alice' }).waitFor()
  const focused = () =>
    page.evaluate<string>(
      "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || document.activeElement.name",
    )
  const reached = new Set<string>()
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab')
    reached.add((await focused()).trim())
  }
  for (const name of ['中文', 'Reset everything', 'Copy AppSecret', 'name', 'Add a user', 'wx.login → code'])
    t.true(reached.has(name), `${name} of ${[...reached]}`)
  for (const name of ['Copy openid: alice', 'Delete', 'Wait for the call', '+5 min', 'Fresh code'])
    t.true(reached.has(name), `${name} of ${[...reached]}`)

  await page.getByRole('button', { name: 'Copy openid: alice' }).focus()
  await exchange((await ask('POST', '/users/alice/code')).code)
  await page.locator('#calls').getByText('jscode2session').waitFor()
  t.is(await focused(), 'Copy openid: alice')
  await page.getByRole('button', { name: 'wx.login → code' }).focus()
  await page.keyboard.press('Enter')
  await page.locator('#users pre').waitFor()
  t.is(await focused(), 'wx.login → code')
})

test.serial('the simulator’s page: it speaks the browser’s language, and remembers another', async (t) => {
  const { url } = await startSimulator(t)
  const page = await openPage(t, browser(), url, { locale: 'zh-CN' })
  await page.getByText('还没有用户。').waitFor()
  t.is(await page.evaluate('document.documentElement.lang'), 'zh-CN')

  await page.getByRole('button', { name: 'English' }).click()
  await page.getByText('There is no user yet.').waitFor()
  await page.reload()
  await page.getByText('There is no user yet.').waitFor()
  // Both languages have every word, and no key stands for one.
  t.notRegex(await page.locator('body').innerText(), /undefined|\bf_/)
})

const WIDTHS = [390, 1024, 1920]

test.serial(
  'the simulator’s page: axe finds nothing, in both themes, languages and with all there can be',
  async (t) => {
    const simulator = await startSimulator(t, { unionIds: true })
    const open = (locale: string, colorScheme: 'light' | 'dark', width: number) =>
      openAt(t, simulator.url, { locale, colorScheme, viewport: { width, height: 800 } })

    const empty = await open('zh-CN', 'light', 390)
    await empty.locator('#no-users').waitFor()
    t.deepEqual(await violations(empty), [], 'empty')

    await fill(simulator.url, simulator.exchange)
    const looks: [locale: string, colorScheme: 'light' | 'dark', width: number][] = [
      ['en-US', 'light', 390],
      ['zh-CN', 'dark', 1024],
    ]
    for (const look of looks) {
      const page = await open(...look)
      await page.getByRole('button', { name: 'wx.login → code' }).first().click()
      await page.locator('#users pre').waitFor()
      await page.locator('#calls summary').first().click()
      t.deepEqual(await violations(page), [], `full, ${look}`)
    }

    const last = await open('en-US', 'dark', 1920)
    await last.locator('#users h3').first().waitFor()
    await simulator.close()
    await last.getByRole('alert').waitFor()
    t.deepEqual(await violations(last), [], 'gone')
  },
)

test.serial(
  'the simulator’s page: nothing is cut or scrolls sideways, from a phone to a wide screen',
  async (t) => {
    const simulator = await startSimulator(t, { unionIds: true })
    await simulator.ask('POST', '/users', { name: 'n'.repeat(64) })
    await fill(simulator.url, simulator.exchange)
    for (const locale of ['en-US', 'zh-CN']) {
      const page = await openAt(t, simulator.url, { locale })
      await page.locator('#users h3').first().waitFor()
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 800 })
        t.is(await page.evaluate('document.documentElement.scrollWidth'), width, `${locale} ${width}`)
      }
    }
  },
)

function openAt(t: ExecutionContext, url: string, options: BrowserContextOptions): Promise<Page> {
  return openPage(t, browser(), url, { reducedMotion: 'reduce', ...options })
}

/** Users, calls of every kind, faults and tokens. */
async function fill(url: string, exchange: (code: string) => Promise<Json>): Promise<void> {
  const control = controlAt(url)
  const { body } = await control('POST', '/users/alice/code')
  await control('POST', '/users', { name: 'bob' })
  for (const code of [body.code, body.code, 'x']) await exchange(code)
  await control('POST', '/faults', { fault: 'reset' })
  await exchange('x').catch(() => {})
  await control('POST', '/faults', { fault: { errcode: -1 }, times: 'always', path: '/none' })
  const { appId, appSecret } = (await control('GET', '/app')).body
  await fetch(`${url}/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${appSecret}`)
}

/** What axe-core finds on a page: each rule with the places that break it. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary?: string }[] }[]>(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html, failureSummary }) => ({ html, failureSummary })) })))',
  )
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  )
}
