// esbuild.config.mjs
import { build } from 'esbuild'

await build({
  entryPoints: ['bundled.mjs'],
  outfile: 'esbuild.cjs',
  bundle: true,
  platform: 'node',
  // Koa's own packages are CommonJS, and require what Node has.
  format: 'cjs',
})
