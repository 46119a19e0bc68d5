/**
 * The manifest that is published has no `workspaces`: Yarn 1 warns everybody who installs such a package. npm calls this before
 * and after it packs: `prepack` puts that manifest in the place of the project's, and `postpack` puts the project's back.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'

/** What a manifest is when it is published: its text. */
export function publishedManifest(text: string): string {
  const { workspaces: _, ...manifest } = JSON.parse(text)
  return `${JSON.stringify(manifest, null, 2)}\n`
}

if (argv[1] === fileURLToPath(import.meta.url)) swap(argv[2])

function swap(when: string | undefined): void {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const [manifest, kept] = [join(root, 'package.json'), join(root, '.tmp/package.json')]
  if (when === 'prepack') {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    copyFileSync(manifest, kept)
    writeFileSync(manifest, publishedManifest(readFileSync(manifest, 'utf8')))
  } else if (existsSync(kept)) {
    copyFileSync(kept, manifest)
    rmSync(kept)
  }
}
