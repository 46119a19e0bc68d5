// Builds the page of the inspector: src/inspector/page → dist/inspector/page, three files that its middleware serves.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const pages = join(root, 'src/inspector/page')
const folder = join(root, 'dist/inspector/page')

const { outputFiles } = await build({
  entryPoints: [join(pages, 'page.ts'), join(pages, 'page.css')],
  bundle: true,
  minify: true,
  write: false,
  outdir: folder,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  logLevel: 'error',
  // What is built must not depend on where.
  absWorkingDir: root,
})

mkdirSync(folder, { recursive: true })
for (const { path, contents } of outputFiles) writeFileSync(path, contents)
writeFileSync(join(folder, 'page.html'), readFileSync(join(pages, 'page.html')))
