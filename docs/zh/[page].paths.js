/** For the site: pages that are not translated are among the Chinese ones too, in English, and say so. */
import { readFileSync } from 'node:fs'
import { docs, untranslated } from '../../site/.vitepress/pages.js'

const NOTICE = '::: info\n本页只有英文版。\n:::\n\n'

export default {
  paths: () =>
    untranslated().map((page) => {
      // It stands one folder further down here.
      const text = readFileSync(`${docs}${page}.md`, 'utf8')
        .replaceAll('](../', '](../../')
        .replaceAll('](./images/', '](../images/')
      return { params: { page }, content: NOTICE + text }
    }),
}
