/** docs/typescript.md: what it declares holds for a whole program, so it is one of its own. */
import test from 'ava'
import { compile, SERVER } from './support/compile.js'
import { type Block, readPage } from './support/markdown.js'

const { text, blocks } = readPage('docs/typescript.md')

test('docs/typescript.md: its examples compile together, with the SessionData that they declare', (t) => {
  // Files of apps are compiled where their packages are.
  const examples = blocks.filter(({ lang, note }) => lang === 'ts' && note === '')

  t.true(examples.length > 7)
  t.deepEqual(compile(examples, SERVER), [])
})

/** Mistakes, by what docs/typescript.md says that the compiler says of them. */
const MISTAKES: Record<string, string> = {
  "'ctx.$wxUserInfo' is possibly 'null'": 'app.use((ctx) => ctx.$wxUserInfo.openId)',
  "Property '$wxUserInfo' does not exist": 'const context = {}\ncontext.$wxUserInfo',
  "Type 'unknown' is not assignable to": 'const cart: string[] = session.data.cart',
  "'openId' because it is a read-only property": "if (user) user.openId = 'o-other'",
  "Property 'basket' does not exist on type 'SessionData'": 'session.data.basket',
}

test('docs/typescript.md: the compiler says what stands there, of mistakes like those', (t) => {
  const head = `import type { WxSession, WxUserInfo } from 'koa-weapp-session'
    declare const session: WxSession, user: WxUserInfo | null`
  const declared = "declare module 'koa-weapp-session' { interface SessionData { cart?: string[] } }"
  const wrong = Object.entries(MISTAKES).map(
    ([said, code]): Block => ({
      ...{ lang: 'ts', note: '', under: '', where: said },
      text: said.includes('SessionData') ? `${head}\n${declared}\n${code}` : `${head}\n${code}`,
    }),
  )
  const undeclared = wrong.filter(({ where }) => !where.includes('SessionData'))

  const said = [undeclared, wrong.slice(-1)].flatMap((together) => compile(together, SERVER))

  for (const sentence of Object.keys(MISTAKES)) {
    t.true(text.includes(`| \`${sentence}`), sentence)
    t.is(said.filter((line) => line.startsWith(sentence) && line.includes(sentence, 1)).length, 1, sentence)
  }
})
