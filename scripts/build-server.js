// Builds the server: src → dist, or another folder. Comments go into the declarations, where editors look for them, and not
// into the code as well. The page of the inspector becomes three files that its middleware serves.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(argv[2] ?? join(root, 'dist'))

const tsc = join(root, 'node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', root, '--outDir', dist], { stdio: 'inherit' })
await removeComments()
await buildPage(join(root, 'src/inspector/page'), join(dist, 'inspector/page'))

/** Of the code alone: tsc would take them out of the declarations, too. */
async function removeComments() {
  const names = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'))
  await build({
    entryPoints: names.map((name) => join(dist, name)),
    outdir: dist,
    outbase: dist,
    allowOverwrite: true,
    target: 'esnext',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
    absWorkingDir: root,
  })
}

async function buildPage(source, folder) {
  const { outputFiles } = await build({
    entryPoints: [join(source, 'page.ts'), join(source, 'page.css')],
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
  writeFileSync(join(folder, 'page.html'), readFileSync(join(source, 'page.html')))
}
