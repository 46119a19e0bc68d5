// Builds the server: src → dist, or another folder. Comments go into the declarations, where editors look for them, and not
// into the code as well. The page of the inspector becomes three files that its middleware serves.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = resolve(argv[2] ?? join(root, 'dist'))

compile('--emitDeclarationOnly')
compile('--declaration', 'false', '--isolatedDeclarations', 'false', '--removeComments')
await buildPage(join(root, 'src/inspector/page'), join(dist, 'inspector/page'))

function compile(...flags) {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', root, '--outDir', dist, ...flags], { stdio: 'inherit' })
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
