import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { compileWxml } from './wxml.js'

const pages = fileURLToPath(new URL('../page', import.meta.url))
const miniProgram = fileURLToPath(new URL('../../miniprogram', import.meta.url))

/** A file for the browser. */
export interface Asset {
  type: string
  text: string
}

/**
 * Everything that the browser loads, by its path. The two pages' code is put together here, the phone's with the mini
 * program's own files and the client's.
 */
export async function bundle(appId: string): Promise<Map<string, Asset>> {
  const { outputFiles } = await build({
    entryPoints: [`${pages}/inspector.ts`, `${pages}/phone.ts`],
    bundle: true,
    write: false,
    outdir: pages,
    format: 'esm',
    target: 'es2022',
    sourcemap: 'inline',
    loader: { '.wxss': 'text' },
    plugins: [miniProgramPlugin],
    logLevel: 'error',
  })
  const scripts = outputFiles.map(({ path, text }): [string, Asset] => [
    path.slice(pages.length).replaceAll('\\', '/'),
    { type: 'text/javascript', text },
  ])
  const files = Object.entries({
    '/': 'inspector.html',
    '/inspector.css': 'inspector.css',
    '/phone': 'phone.html',
    '/phone.css': 'phone.css',
    '/icon.svg': 'icon.svg',
  }).map(async ([path, name]): Promise<[string, Asset]> => {
    const text = await readFile(`${pages}/${name}`, 'utf8')
    return [path, { type: name.split('.').at(-1) ?? '', text: text.replace('{{appId}}', appId) }]
  })
  return new Map([...scripts, ...(await Promise.all(files))])
}

/** Makes a module of the mini program: its files as they are, and what each of them is for. */
const miniProgramPlugin: Plugin = {
  name: 'mini program',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^one-stroke:miniprogram$/ }, ({ path }) => ({ path, namespace: 'miniprogram' }))
    onLoad({ filter: /.*/, namespace: 'miniprogram' }, async () => {
      const { pages } = JSON.parse(await readFile(`${miniProgram}/app.json`, 'utf8')) as { pages: string[] }
      return { contents: moduleOf(pages), resolveDir: miniProgram }
    })
    onLoad({ filter: /\.wxml$/ }, async ({ path }) => ({
      contents: compileWxml(await readFile(path, 'utf8')),
    }))
    // Here the server is where the page came from: the one file that depends on where the mini program runs.
    onLoad({ filter: /miniprogram[\\/]config\.js$/ }, () => ({
      contents: 'module.exports = { baseUrl: location.origin }',
    }))
  },
}

function moduleOf(pages: string[]): string {
  const imports = pages.map(
    (page, i) => `
      import { render as render${i} } from './${page}.wxml'
      import style${i} from './${page}.wxss'
      import config${i} from './${page}.json'`,
  )
  const entries = pages.map(
    (page, i) =>
      `'${page}': { style: style${i}, config: config${i}, render: render${i}, run: () => require('./${page}.js') },`,
  )
  return `
    import config from './app.json'
    import style from './app.wxss'
    ${imports.join('')}
    export const program = { config, style, run: () => require('./app.js'), pages: { ${entries.join('\n')} } }
  `
}
