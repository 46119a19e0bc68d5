/** Links as they are for GitHub, made those of the site. */
import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { docs } from './pages.js'
import { repository } from './repository.js'

/** What a link of a page is in the site: an address, or nothing where it leads to a file that no address is known of. */
export function linkOf(page: string, href: string): string | undefined {
  if (/^([a-z]+:|#|\/)/i.test(href)) return href
  const [path = '', hash] = href.split('#')
  const target = posix.join('docs', posix.dirname(page), decodeURI(path))
  const anchor = hash === undefined ? '' : `#${hash}`
  const [, guide] = /^docs\/(?!zh\/)(.+)\.md$/.exec(target) ?? []
  // From a Chinese page the reader stays among Chinese ones: what is not translated is shown there in English.
  // The link to the same page is that to the other language.
  if (guide && page.startsWith('zh/') && page !== `zh/${guide}.md` && existsSync(`${docs}${guide}.md`))
    return `/zh/${guide === 'index' ? '' : guide}${anchor}`
  if (/^docs\/.+\.md$/.test(target)) return `/${target.slice(5, -3).replace(/(^|\/)index$/, '$1')}${anchor}`
  return repository && `${repository}/blob/main/${target}${anchor}`
}

interface Token {
  type: string
  children: Token[] | null
  attrGet(name: string): string | null
  attrSet(name: string, value: string): void
}

/** What is used of markdown-it. */
interface Markdown {
  core: {
    ruler: {
      push(name: string, rule: (state: { tokens: Token[]; env: { relativePath: string } }) => void): void
    }
  }
}

/** A plugin of markdown-it. */
export function siteLinks(md: Markdown): void {
  md.core.ruler.push('site_links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      for (const [at, token] of (children ?? []).entries()) {
        if (token.type !== 'link_open') continue
        const href = linkOf(env.relativePath, token.attrGet('href') ?? '')
        if (href !== undefined) {
          token.attrSet('href', href)
          continue
        }
        const close = children?.slice(at).find(({ type }) => type === 'link_close')
        for (const one of [token, close]) if (one) Object.assign(one, { type: 'text', content: '', tag: '' })
      }
    }
  })
}

/** As GitHub makes them, so that one link leads to a heading in both places. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-')
}
