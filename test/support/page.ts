import type { ExecutionContext } from 'ava'
import axe from 'axe-core'
import type { BrowserContextOptions, Page } from 'playwright-core'

/** Widths that pages are looked at in: a phone, half a screen, a laptop, a large screen. */
export const WIDTHS: readonly number[] = [390, 1024, 1280, 1920]

/** What a page can look like: each width, light and dark, in both languages. */
export function* looks(): Generator<BrowserContextOptions & { name: string; width: number }> {
  for (const width of WIDTHS)
    for (const colorScheme of ['light', 'dark'] as const)
      for (const locale of ['zh-CN', 'en-US'])
        yield {
          ...{ colorScheme, locale, width, name: `${width}-${colorScheme}-${locale.slice(0, 2)}` },
          viewport: { width, height: width === 390 ? 844 : 900 },
        }
}

/** Asserts that axe-core finds nothing, in the page and in its frames; but for those whose URL is `except`. */
export async function isAccessible(
  t: ExecutionContext,
  page: Page,
  where: string,
  except?: RegExp,
): Promise<void> {
  for (const frame of page.frames()) {
    if (except?.test(frame.url())) continue
    const found = (await frame.evaluate(`${axe.source}; axe.run(document, { iframes: false })`)) as {
      violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[]
    }
    t.deepEqual(
      found.violations.map(({ id, nodes }) => [
        id,
        nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ''}`),
      ]),
      [],
      `${where} ${frame.url()}`,
    )
  }
}

/** Asserts that nothing is wider than the screen. */
export async function fits(t: ExecutionContext, page: Page, where: string): Promise<void> {
  const wide = await page.evaluate(`
    Array.from(document.querySelectorAll('body, body *'))
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && element.offsetParent)
      .filter((element) => !element.closest('pre, textarea, .for-ears'))
      .map((element) => element.outerHTML.slice(0, 100))`)
  t.deepEqual(wide, [], where)
  t.true(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), where)
}

/** Keeps a picture of a page, in the folder of `WEAPP_SHOTS`, where somebody wants to look at it. */
export async function shoot(page: Page, name: string): Promise<void> {
  const { WEAPP_SHOTS } = process.env
  if (WEAPP_SHOTS) await page.screenshot({ path: `${WEAPP_SHOTS}/${name}.png`, animations: 'disabled' })
}
