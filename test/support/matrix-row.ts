import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

const root = new URL('../..', import.meta.url).pathname

/**
 * Asserts that a table of a document has a row that begins with the first of these cells, and that it is what has just been
 * run. With `WEAPP_WRITE_MATRIX=1` the row is written instead.
 */
export function isInMatrix(t: ExecutionContext, page: string, cells: string[]): void {
  const path = join(root, page)
  const text = readFileSync(path, 'utf8')
  const row = `| ${cells.join(' | ')} |`
  const lines = text.split('\n')
  const index = lines.findIndex((line) => line.startsWith(`| ${cells[0]} |`))
  if (process.env.WEAPP_WRITE_MATRIX && index >= 0 && lines[index] !== row) {
    lines[index] = row
    writeFileSync(path, lines.join('\n'))
    t.pass()
  } else {
    t.is(lines[index], row, `${page} has to say what was run; WEAPP_WRITE_MATRIX=1 writes it`)
  }
}

/** The version of a package that was installed in a folder. */
export function versionIn(folder: string, name: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))
  return version
}
