import test from 'ava'
import { readPage } from './support/markdown.js'
import { stepsOf } from './support/steps.js'

/** Pages that are written in both languages from the beginning. */
const PAGES = ['accounts', 'phone-numbers', 'several-apps', 'start', 'testing']

for (const name of PAGES) {
  test(`docs/${name}.md and docs/zh/${name}.md are in step`, (t) => {
    t.deepEqual(stepsOf(readPage(`docs/zh/${name}.md`)), stepsOf(readPage(`docs/${name}.md`)))
  })
}
