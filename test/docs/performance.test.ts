import test from 'ava'
import { inChinese } from '../../bench/chinese.js'
import { readPage } from './support/markdown.js'

test('docs/zh/performance.md: what was measured is what the page in English says', (t) => {
  const [english, chinese] = ['docs/performance.md', 'docs/zh/performance.md'].map((path) => {
    const [, figures = ''] = readPage(path).text.split('<!-- npm run bench writes what follows -->')
    return figures
  })

  t.true((english ?? '').length > 1000)
  t.is(chinese, inChinese(english ?? ''))
})

test('docs/zh/performance.md: a server that has no name in Chinese yet is found', (t) => {
  t.throws(() => inChinese('| a new server | 1.0 |'), { message: /no words for: a new server/ })
})
