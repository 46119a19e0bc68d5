import { request } from 'node:http'
import test from 'ava'
import type { Page } from 'playwright-core'
import { draw, openPage, phoneOf, startApp, tryOut, useBrowser } from '../support/browser.js'
import { fits, isAccessible, looks, shoot, WIDTHS } from '../support/page.js'
import { useRedis } from '../support/redis.js'

const browser = useBrowser(test)
const redis = useRedis(test)

test.serial(
  'npm start: the inspector beside the phones is that of the package, and shows what a phone sends',
  async (t) => {
    const { url } = await startApp(t)
    const page = await openPage(t, browser(), url)
    const inspector = inspectorOf(page)

    await inspector.locator('.row').first().click()
    await inspector.locator('#detail-heading').waitFor()
    const text = await inspector.locator('#detail').innerText()

    t.regex(text, /Weapp-Code/)
    t.notRegex(text, /X-WX-/)
    t.regex(text, /Weapp-Login\s*the login was accepted: its only proof\s*accepted/)
    t.regex(text, /"nickName":"微信用户"/)
    t.regex(text, /identified: a login.*code2Session.*store create.*own handlers.*drawings.list: 0/s)
    t.regex(text, /"msg": "success"/)

    await page.getByRole('button', { name: '中文' }).first().click()
    await inspector.getByText('登录成功：客户端只认这个词').waitFor()
  },
)

test.serial(
  'npm start: sessions are listed as they are stored; session_key and appSecret never leave the server',
  async (t) => {
    const { url, wechat } = await startApp(t)
    const page = await openPage(t, browser(), url)
    const told: string[] = []
    t.teardown(collect(url, told))
    const inspector = inspectorOf(page)

    await inspector.locator('.row').first().waitFor()
    await inspector.getByRole('tab', { name: 'Users' }).click()
    await inspector.getByText('session_key (sealed)').waitFor()
    t.regex(await inspector.locator('#users').innerText(), new RegExp(wechat.user('小明').openId))
    for (const trial of ['burst', 'tamper', 'reuse', 'expire']) await tryOut(page, trial)

    const secrets = wechat
      .secrets()
      .filter((secret) => secret === wechat.appSecret || /^[\w+/]{22}==$/.test(secret))
    t.true(secrets.length > 3)
    const all = told.join('') + (await page.content()) + (await inspector.locator('body').innerHTML())
    t.true(all.length > 20_000)
    for (const secret of secrets) t.false(all.includes(secret) || all.includes(encodeURIComponent(secret)))
  },
)

test.serial('npm start: twenty requests at once: one login, one exchange', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'burst'), /1 login, 1 exchange, 20 requests, 20 of them successful/)
  t.is(wechat.exchanges, before + 1)
})

test.serial(
  'npm start: a session that expires, or is ended elsewhere, is replaced without the user noticing',
  async (t) => {
    const { url } = await startApp(t)
    const page = await loggedIn(t, url)
    const again =
      /ERR_SESSION_EXPIRED, and the client logged in by itself \(1 login, 1 exchange\).* 2 requests in all/

    t.regex(await tryOut(page, 'expire'), again)
    t.regex(await tryOut(page, 'revoke'), again)
    t.regex(await tryOut(page, 'expire'), again)
  },
)

test.serial('npm start: an app that is started anew has its session', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'restart'), /1 request\(s\), no login/)
  t.regex(await tryOut(page, 'use'), /1 read of the store, 0 calls of WeChat/)
  t.is(wechat.exchanges, before)
})

test.serial('npm start: data that WeChat did not sign is refused', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'tamper'), /no longer fits: 401 ERR_UNTRUSTED_RAW_DATA/)
  t.regex(
    await tryOut(page, 'forge'),
    /401 ERR_SESSION_EXPIRED\. It is not what this server signed, so the store was not even read/,
  )
  t.regex(
    await tryOut(page, 'reuse'),
    /1 exchange, and the same session both times\. WeChat itself says 40163/,
  )
})

test.serial('npm start: the client learns by which credential its session goes', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)
  const used = async () => {
    await tryOut(page, 'use')
    const latest = inspectorOf(page).locator('.row.is-request').first()
    await latest.click()
    const detail = inspectorOf(page).locator('#detail')
    await detail.getByText('Timeline').waitFor()
    const text = await detail.innerText()
    const back = inspectorOf(page).locator('#back')
    if (await back.isVisible()) await back.click()
    return text
  }

  t.regex(await used(), /Request.*Weapp-Session.*Response/s)
  t.regex(await tryOut(page, 'carrier'), /no longer counts \(ERR_LOGIN_REQUIRED\), so it logged in, 1 time/)
  t.regex(await used(), /Request.*Weapp-Code.*Response/s)
  t.regex(await tryOut(page, 'forge'), /401 ERR_SESSION_EXPIRED.*\(1 read\), and WeChat was not asked/)
  t.regex(await tryOut(page, 'carrier'), /logged in, 1 time/)
})

test.serial('npm start: while the store is down nobody is logged out', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'store'), /503, with Retry-After.* 4 times .* logged in 0 times/)
  await inspectorOf(page).getByText('Store · fails').waitFor()
  await tryOut(page, 'store')

  t.regex(await tryOut(page, 'use'), /1 read of the store/)
  t.is(wechat.exchanges, before)
})

test.serial('npm start: while WeChat is down only logins fail, and then everything goes on', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'wechat'), /does not notice \(the request just now: 200, 0 exchanges\)/)
  await inspectorOf(page).getByText('WeChat · fails').waitFor()
  t.regex(await tryOut(page, 'expire'), /did not work \(ERR_SESSION_KEY_EXCHANGE_FAILED\)/)

  await tryOut(page, 'wechat')
  await inspectorOf(page).getByText('WeChat · normal').waitFor()
  await phoneOf(page).getByText('从第一笔开始').waitFor()
  t.pass()
})

test.serial('npm start: with a Redis of its own it is the same', async (t) => {
  const { url } = await startApp(t, { redisUrl: redis().url })
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'burst'), /1 login, 1 exchange, 20 requests, 20 of them successful/)
  t.regex(await tryOut(page, 'revoke'), /logged in by itself/)
  t.regex(await tryOut(page, 'expire'), /logged in by itself/)
})

test.serial('npm start: offline, no request reaches the server', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'network'), /: 0 requests reached the server/)
  t.is(await page.locator('.user.is-offline').count(), 1)
  t.regex(await tryOut(page, 'network'), /a network again/)
})

test.serial('npm start: both pages speak two languages, and remember which', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)

  await page.getByRole('button', { name: '中文' }).first().click()
  await page.getByText('试一试，看会发生什么').waitFor()
  await inspectorOf(page).getByRole('tab', { name: '用户' }).waitFor()
  await page.reload()
  await page.getByText('试一试，看会发生什么').waitFor()
  // In the one as in the other.
  await inspectorOf(page).getByRole('button', { name: 'English' }).click()
  await page.getByText('Make things happen').waitFor()
  t.true(await page.getByText('Make things happen').isVisible())
})

test.serial('npm start: on the screen of a phone everything fits, one part at a time', async (t) => {
  const { url } = await startApp(t)
  const options = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
  const page = await openPage(t, browser(), url, options)
  const isFitting = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
  await draw(page)
  await phoneOf(page).getByRole('button', { name: '保存' }).click()
  await phoneOf(page).locator('.card').waitFor()
  t.true(await isFitting())

  await page.getByRole('button', { name: 'Try it' }).click()
  t.true(await isFitting())
  t.regex(await tryOut(page, 'burst'), /1 login/)
  await page.getByRole('button', { name: 'Requests', exact: true }).click()
  t.true(await inspectorOf(page).locator('.row').first().isVisible())
  t.true(await isFitting())
})

test.serial('npm start: no other site can use it through a browser', async (t) => {
  const { url } = await startApp(t)
  const { host } = new URL(url)

  t.is(await statusOf(url, { host: 'evil.example' }), 403)
  t.is(await statusOf(`${url}/__weapp/events`, { host: 'evil.example:80' }), 403)
  t.is(
    await statusOf(
      `${url}/demo/experiments/carrier/xiaoming`,
      { host, origin: 'https://evil.example' },
      'POST',
    ),
    403,
  )
  t.is(await statusOf(`${url}/phone/line?user=xiaoming`, upgrade(host, 'https://evil.example')), 0)
  t.is(await statusOf(`${url}/phone/line?user=xiaoming`, upgrade(host, url)), 101)
  t.is(await statusOf(url, { host }), 200)
})

for (const width of WIDTHS)
  test.serial(`npm start: at ${width} px the page fits, and axe-core finds nothing`, async (t) => {
    const { url } = await startApp(t)
    for (const { name, width: wanted, ...look } of looks()) {
      if (wanted !== width) continue
      const page = await openPage(t, browser(), url, look)
      await phoneOf(page).getByText('从第一笔开始').waitFor()
      for (const tab of ['lab', 'timeline', 'phone']) {
        const button = page.locator(`.tabs [data-tab=${tab}]`)
        if (!(await button.isVisible())) continue
        await button.click()
        await fits(t, page, `${name} ${tab}`)
        await shoot(page, `demo-${name}-${tab}`)
      }
      const lab = page.locator('.tabs [data-tab=lab]')
      if (await lab.isVisible()) await lab.click()
      await tryOut(page, 'use')
      await fits(t, page, name)
      await isAccessible(t, page, name, /\/phone|about:blank/)
      await shoot(page, `demo-${name}`)
      await page.context().close()
    }
  })

test.serial('npm start: after a trial the keyboard is where it was', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)
  await page.locator('[data-trial=use]').focus()
  await page.keyboard.press('Enter')
  await page.locator('#story.is-busy').waitFor()
  await page.locator('#story:not(.is-busy)').waitFor()
  t.is(await page.evaluate('document.activeElement.dataset.trial'), 'use')
})

test.serial('npm start: when the server is gone, both pages say so', async (t) => {
  const demo = await startApp(t)
  const page = await loggedIn(t, demo.url)
  await demo.close()
  await page.getByRole('alert').getByText('The server is gone').waitFor()
  await inspectorOf(page).getByRole('alert').getByText('The server is gone').waitFor()
  await startApp(t, { port: Number(new URL(demo.url).port) })
  await inspectorOf(page).getByText('Connected', { exact: true }).waitFor()
  await page.locator('#gone').waitFor({ state: 'hidden' })
  t.pass()
})

/** A page whose phone has logged in. */
async function loggedIn(t: Parameters<typeof openPage>[0], url: string): Promise<Page> {
  const page = await openPage(t, browser(), url)
  await phoneOf(page).getByText('从第一笔开始').waitFor()
  return page
}

function inspectorOf(page: Page) {
  return page.frameLocator('iframe.inspector')
}

/** Listens to what the inspector is told. Gives a function that ends it. */
function collect(url: string, told: string[]): () => void {
  const listening = request(`${url}/__weapp/events`, (response) => {
    response.setEncoding('utf8').on('data', (text: string) => told.push(text))
    response.on('error', () => {})
  })
  listening.on('error', () => {})
  listening.end()
  return () => listening.destroy()
}

function upgrade(host: string, origin: string): Record<string, string> {
  return {
    ...{ host, origin, connection: 'Upgrade', upgrade: 'websocket' },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
  }
}

/** 0 when the connection is cut. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(url, { method, headers })
    sent.on('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.destroy()
    })
    sent.on('upgrade', (_response, socket) => {
      resolve(101)
      socket.destroy()
    })
    sent.on('error', () => resolve(0))
    sent.end()
  })
}
