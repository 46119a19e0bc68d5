import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { readPage, root } from './markdown.js'

/** The first example in TypeScript under a heading. */
export function blockOf(path: string, under: string): string {
  const block = readPage(path).blocks.find((block) => block.lang === 'ts' && block.under === under)
  if (!block) throw new Error(`${path} has no example under ${under}`)
  return block.text
}

/** Writes an example where it can be run; it is gone after the test. */
export function writeBlock(t: ExecutionContext, text: string): string {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, '.tmp/guide-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'example.mts')
  writeFileSync(path, text)
  return path
}

/** An example as a function of what it takes for granted. */
export async function loadBlock<Install>(
  t: ExecutionContext,
  text: string,
  names: string[],
): Promise<Install> {
  const lines = text.split('\n')
  const isImport = (line: string) => line.startsWith('import ')
  const body = lines.filter((line) => !isImport(line)).join('\n')
  const head = lines.filter(isImport).join('\n')
  const { install } = await import(
    writeBlock(t, `${head}\nexport function install(${names.join(', ')}) {\n${body}\n}`)
  )
  return install
}
