import test from 'ava'
import {
  cards,
  draw,
  openPage,
  phoneOf,
  startApp,
  stroke,
  switchTo,
  temporaryFolder,
  tryOut,
  useBrowser,
} from '../support/browser.js'

const browser = useBrowser(test)

test.serial('app: a drawing is there after a reload, and after the server was started anew', async (t) => {
  const folder = temporaryFolder(t)
  const first = await startApp(t, { folder })
  const page = await openPage(t, browser(), first.url)
  await draw(page)
  await phoneOf(page).getByRole('button', { name: '保存' }).click()
  await phoneOf(page).getByText('已保存').waitFor()
  const picture = await phoneOf(page).locator('.card-picture').getAttribute('src')

  await page.reload()
  await phoneOf(page).locator('.card').waitFor()
  t.is(await phoneOf(page).locator('.card-picture').getAttribute('src'), picture)

  await first.close()
  await startApp(t, { folder, port: Number(new URL(first.url).port) })
  await page.reload()
  await phoneOf(page).locator('.card').waitFor()
  t.is(await phoneOf(page).locator('.card-picture').getAttribute('src'), picture)
})

test.serial('app: two users do not see each other’s drawings', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  await draw(page)
  await phoneOf(page).getByRole('button', { name: '保存' }).click()
  await phoneOf(page).locator('.card').waitFor()

  await switchTo(page, '小红')
  await phoneOf(page, '小红').getByText('从第一笔开始').waitFor()
  t.is((await cards(page, '小红')).length, 0)
  await draw(page, '小红')
  await phoneOf(page, '小红').getByRole('button', { name: '保存' }).click()
  await phoneOf(page, '小红').locator('.card').waitFor()

  await page.reload()
  await phoneOf(page).locator('.card').waitFor()
  t.is((await cards(page)).length, 1)
})

test.serial('app: it saves drawings from the time without a network when there is one again', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  await phoneOf(page).getByText('从第一笔开始').waitFor()
  await tryOut(page, 'network')

  await draw(page)
  await phoneOf(page).getByRole('button', { name: '保存' }).click()
  await phoneOf(page).getByText('先存在手机里').waitFor()
  t.regex((await cards(page))[0] ?? '', /待保存/)

  t.regex(await tryOut(page, 'network'), /saved by itself/)
  await phoneOf(page).getByText('待保存').waitFor({ state: 'detached' })
  const other = await openPage(t, browser(), url)
  await phoneOf(other).locator('.card').waitFor()
  t.is((await cards(other)).length, 1)
})

test.serial(
  'app: nothing is lost when the app is killed in the middle of a drawing, without a network',
  async (t) => {
    const { url } = await startApp(t)
    const page = await openPage(t, browser(), url)
    await phoneOf(page).getByText('从第一笔开始').waitFor()
    await tryOut(page, 'network')
    await draw(page)

    await page.reload()
    await phoneOf(page).getByText('待保存').waitFor()
    await tryOut(page, 'network')

    await phoneOf(page).getByText('待保存').waitFor({ state: 'detached' })
    const other = await openPage(t, browser(), url)
    await phoneOf(other).locator('.card').waitFor()
    t.is((await cards(other)).length, 1)
  },
)

test.serial('app: a stroke can be taken back, and a drawing goes on where it ended', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  const phone = phoneOf(page)
  const strokes = async () =>
    (await phone.locator('.card-picture').getAttribute('src'))?.split('path%20').length
  const button = (name: string) => phone.getByRole('button', { name, exact: true })
  await draw(page)
  await stroke(page, '小明', 0.7)
  await button('撤销').click()
  await button('保存').click()
  await phone.locator('.card').waitFor()
  t.is(await strokes(), 2)

  await phone.locator('.card').click()
  await phone.getByRole('button', { name: '颜色 #c92a2a' }).click()
  await phone.getByRole('button', { name: '粗细 40' }).click()
  await stroke(page, '小明', 0.7)
  await button('保存').click()
  await phone.locator('.card').waitFor()
  t.is(await strokes(), 3)
  t.regex(
    (await phone.locator('.card-picture').getAttribute('src')) ?? '',
    /%23c92a2a%22%20stroke-width%3D%2240%22/,
  )
})

test.serial('app: a drawing is deleted once that was confirmed, and not before', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  const phone = phoneOf(page)
  await draw(page)
  await phone.getByRole('button', { name: '保存' }).click()
  await phone.locator('.card').click()

  await phone.getByRole('button', { name: '删除', exact: true }).click()
  await phone.getByRole('button', { name: '取消' }).click()
  await phone.getByRole('button', { name: '返回' }).click()
  t.is((await cards(page)).length, 1)

  await phone.locator('.card').click({ delay: 600 })
  await phone.locator('dialog').getByRole('button', { name: '删除' }).click()
  await phone.getByText('从第一笔开始').waitFor()
  await page.reload()
  await phone.getByText('从第一笔开始').waitFor()
  t.is((await cards(page)).length, 0)
})

test.serial('app: while the server is away, the gallery says so, and what is drawn waits', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  const phone = phoneOf(page)
  await phone.getByText('从第一笔开始').waitFor()
  await tryOut(page, 'store')

  await phone.getByText('连不上服务器').waitFor()
  await draw(page)
  await phone.getByRole('button', { name: '返回' }).click()
  await phone.getByText('待保存').waitFor()

  await tryOut(page, 'store')
  await phone.getByText('待保存').waitFor({ state: 'detached' })
  await phone.getByText('连不上服务器').waitFor({ state: 'detached' })
  t.is((await cards(page)).length, 1)
})

test.serial('app: avatar and nickname stay', async (t) => {
  const { url } = await startApp(t)
  const page = await openPage(t, browser(), url)
  const phone = phoneOf(page)
  await phone.getByRole('button', { name: '选择头像' }).click()
  await phone.getByPlaceholder('点这里填昵称').fill('小明同学')
  await phone.getByPlaceholder('点这里填昵称').press('Enter')

  await page.reload()

  await phone.locator('.avatar-image').waitFor()
  t.is(await phone.getByPlaceholder('点这里填昵称').inputValue(), '小明同学')
})

test.serial('app: the app runs alone on the whole screen of a phone, under a finger', async (t) => {
  const { url } = await startApp(t)
  const options = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }
  const page = await openPage(t, browser(), `${url}/phone?user=xiaohong`, options)
  await page.getByRole('button', { name: '画一幅' }).tap()
  await page.locator('canvas').tap({ position: { x: 100, y: 120 } })
  await page.getByRole('button', { name: '保存' }).tap()
  await page.locator('.card').waitFor()

  const picture = decodeURIComponent((await page.locator('.card-picture').getAttribute('src')) ?? '')

  // A dot, where the finger was: the paper is 1000 wide, and 357 here.
  t.regex(picture, /d="M28\d 33\dL28\d\.1 33\d"/)
})
