import { request } from 'node:http'
import test from 'ava'
import type { Page } from 'playwright-core'
import { draw, openPage, phoneOf, startApp, tryOut, useBrowser } from '../support/browser.js'
import { useRedis } from '../support/redis.js'

const browser = useBrowser(test)
const redis = useRedis(test)

test.serial(
  'inspector: a request is shown with its headers, what the server did, and its answer',
  async (t) => {
    const { url } = await startApp(t)
    const page = await openPage(t, browser(), url)
    const first = page.locator('.timeline .entry').first()

    await first.getByText('The phone gets').waitFor()
    const text = await first.innerText()

    t.regex(text, /Weapp-Code/)
    t.notRegex(text, /X-WX-/)
    t.regex(text, /Weapp-Login\s*the login was accepted: its only proof\s*accepted/)
    t.regex(text, /"nickName":"微信用户"/)
    t.regex(text, /This is a login.*code2Session.*Store create.*Logged in.*the drawings of this openid, 0/s)
    t.regex(text, /"msg": "success"/)
    t.notRegex(text, /X-Inspector/)

    await page.getByRole('button', { name: '中文' }).click()
    await first.getByText('手机收到').waitFor()
    t.regex(await first.innerText(), /Weapp-Login\s*登录成功：客户端只认这个词，不看状态码\s*accepted/)
  },
)

test.serial(
  'inspector: the session is shown as it is stored, its key sealed; session_key and appSecret never leave the server',
  async (t) => {
    const { url, wechat } = await startApp(t)
    const page = await openPage(t, browser(), url)
    const told: string[] = []
    t.teardown(collect(url, told))
    const record = page.locator('.record').first()

    await record.getByText('sealed (AES-256-GCM)').waitFor()
    t.regex(await record.innerText(), new RegExp(wechat.user('小明').openId))
    for (const trial of ['burst', 'tamper', 'reuse', 'expire']) await tryOut(page, trial)

    const secrets = wechat
      .secrets()
      .filter((secret) => secret === wechat.appSecret || /^[\w+/]{22}==$/.test(secret))
    t.true(secrets.length > 3)
    const all = told.join('') + (await page.content())
    t.true(all.length > 20_000)
    for (const secret of secrets) t.false(all.includes(secret) || all.includes(encodeURIComponent(secret)))
  },
)

test.serial('inspector: twenty requests at once: one login, one exchange', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'burst'), /1 login, 1 exchange, 20 requests, 20 of them successful/)
  t.is(wechat.exchanges, before + 1)
})

test.serial(
  'inspector: a session that expires, or is ended elsewhere, is replaced without the user noticing',
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

test.serial('inspector: an app that is started anew has its session', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'restart'), /1 request\(s\), no login/)
  t.regex(await tryOut(page, 'use'), /1 read of the store, 0 calls of WeChat/)
  t.is(wechat.exchanges, before)
})

test.serial('inspector: data that WeChat did not sign is refused', async (t) => {
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

test.serial('inspector: the client learns by which credential its session goes', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)
  const used = async () => {
    await tryOut(page, 'use')
    const latest = page.locator('.timeline .entry').first()
    await latest.locator('summary').first().click()
    await latest.getByText('The phone gets').waitFor()
    return latest.innerText()
  }

  t.regex(await used(), /The phone sends.*Weapp-Session.*On the server/s)
  t.regex(await tryOut(page, 'carrier'), /no longer counts \(ERR_LOGIN_REQUIRED\), so it logged in, 1 time/)
  t.regex(await used(), /The phone sends.*Weapp-Code.*On the server/s)
  t.regex(await tryOut(page, 'forge'), /401 ERR_SESSION_EXPIRED.*\(1 read\), and WeChat was not asked/)
  t.regex(await tryOut(page, 'carrier'), /logged in, 1 time/)
})

test.serial('inspector: while the store is down nobody is logged out', async (t) => {
  const { url, wechat } = await startApp(t)
  const page = await loggedIn(t, url)
  const before = wechat.exchanges

  t.regex(await tryOut(page, 'store'), /503, with Retry-After.* 4 times .* logged in 0 times/)
  await page.getByText('Session store (memory) · down').waitFor()
  await tryOut(page, 'store')

  t.regex(await tryOut(page, 'use'), /1 read of the store/)
  t.is(wechat.exchanges, before)
})

test.serial('inspector: while WeChat is down only logins fail, and then everything goes on', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'wechat'), /does not notice \(the request just now: 200, 0 exchanges\)/)
  await page.getByText('WeChat · down').waitFor()
  t.regex(await tryOut(page, 'expire'), /did not work \(ERR_SESSION_KEY_EXCHANGE_FAILED\)/)

  await tryOut(page, 'wechat')
  await page.getByText('WeChat · up').waitFor()
  await phoneOf(page).getByText('从第一笔开始').waitFor()
  t.pass()
})

test.serial('inspector: with a Redis of its own it is the same', async (t) => {
  const { url } = await startApp(t, { redisUrl: redis().url })
  const page = await loggedIn(t, url)

  await page.getByText('Session store (Redis) · up').waitFor()
  await page.locator('.record').first().getByText('sealed (AES-256-GCM)').waitFor()
  t.regex(await tryOut(page, 'burst'), /1 login, 1 exchange, 20 requests, 20 of them successful/)
  t.regex(await tryOut(page, 'revoke'), /logged in by itself/)
  t.regex(await tryOut(page, 'expire'), /logged in by itself/)
})

test.serial('inspector: offline, no request reaches the server', async (t) => {
  const { url } = await startApp(t)
  const page = await loggedIn(t, url)

  t.regex(await tryOut(page, 'network'), /: 0 requests reached the server/)
  t.is(await page.locator('.user.is-offline').count(), 1)
  t.regex(await tryOut(page, 'network'), /a network again/)
})

test.serial('inspector: the inspector speaks two languages, and remembers which', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)

  await page.getByRole('button', { name: '中文' }).click()
  await page.getByText('试一试，看会发生什么').waitFor()
  await page.reload()
  await page.getByText('试一试，看会发生什么').waitFor()
  await page.getByRole('button', { name: 'English' }).click()
  t.true(await page.getByText('Make things happen').isVisible())
})

test.serial('inspector: on the screen of a phone everything fits, one part at a time', async (t) => {
  const { url } = await startApp(t)
  const options = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
  const page = await openPage(t, browser(), url, options)
  const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth')
  await draw(page)
  await phoneOf(page).getByRole('button', { name: '保存' }).click()
  await phoneOf(page).locator('.card').waitFor()
  t.true(await fits())

  await page.getByRole('button', { name: 'Try it' }).click()
  t.true(await fits())
  t.regex(await tryOut(page, 'burst'), /1 login/)
  t.true(await page.locator('#timeline').isVisible())
  t.true(await fits())
})

test.serial('inspector: no other site can use it through a browser', async (t) => {
  const { url } = await startApp(t)
  const { host } = new URL(url)

  t.is(await statusOf(url, { host: 'evil.example' }), 403)
  t.is(await statusOf(`${url}/inspector/events`, { host: 'evil.example:80' }), 403)
  t.is(
    await statusOf(
      `${url}/inspector/experiments/store/xiaoming`,
      { host, origin: 'https://evil.example' },
      'POST',
    ),
    403,
  )
  t.is(await statusOf(`${url}/phone/line?user=xiaoming`, upgrade(host, 'https://evil.example')), 0)
  t.is(await statusOf(`${url}/phone/line?user=xiaoming`, upgrade(host, url)), 101)
  t.is(await statusOf(url, { host }), 200)
})

/** A page whose phone has logged in. */
async function loggedIn(t: Parameters<typeof openPage>[0], url: string): Promise<Page> {
  const page = await openPage(t, browser(), url)
  await phoneOf(page).getByText('从第一笔开始').waitFor()
  return page
}

/** Listens to what the inspector is told. Gives a function that ends it. */
function collect(url: string, told: string[]): () => void {
  const listening = request(`${url}/inspector/events`, (response) => {
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
