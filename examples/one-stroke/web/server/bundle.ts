import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Asset, bundleMiniProgram } from 'weapp-simulator/open'

const pages = fileURLToPath(new URL('../page', import.meta.url))
const miniProgram = fileURLToPath(new URL('../../miniprogram', import.meta.url))

export type { Asset } from 'weapp-simulator/open'

/** Everything that the browser loads, by its path: the inspector, and the mini program on a phone. */
export async function bundle(appId: string): Promise<Map<string, Asset>> {
  const [inspector, phone] = await Promise.all([
    bundleInspector(),
    bundleMiniProgram({
      folder: miniProgram,
      appId,
      // Here the server is where the page came from: the one file that depends on where the mini program runs.
      replace: { 'config.js': 'module.exports = { baseUrl: location.origin }' },
      script: `${pages}/phone.ts`,
    }),
  ])
  return new Map([...inspector, ...phone.assets])
}

async function bundleInspector(): Promise<[string, Asset][]> {
  const { outputFiles } = await build({
    entryPoints: [`${pages}/inspector.ts`],
    bundle: true,
    write: false,
    outdir: pages,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    logLevel: 'error',
  })
  const scripts = outputFiles.map(({ path, text }): [string, Asset] => [
    path.slice(pages.length).replaceAll('\\', '/'),
    { type: 'text/javascript', text },
  ])
  const files = Object.entries({
    '/': 'inspector.html',
    '/inspector.css': 'inspector.css',
    '/icon.svg': 'icon.svg',
  }).map(async ([path, name]): Promise<[string, Asset]> => {
    return [path, { type: name.split('.').at(-1) ?? '', text: await readFile(`${pages}/${name}`, 'utf8') }]
  })
  return [...scripts, ...(await Promise.all(files))]
}
