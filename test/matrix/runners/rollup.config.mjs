// rollup.config.mjs
import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import { nodeResolve } from '@rollup/plugin-node-resolve'

export default {
  input: 'bundled.mjs',
  output: { file: 'rollup.cjs', format: 'cjs', inlineDynamicImports: true },
  // Loaded when they are needed: `redis` by redisStore(), `ws` by the simulator's sockets.
  external: ['redis', 'ws'],
  // undici asks for it where it is; Node 20 has none.
  plugins: [nodeResolve({ preferBuiltins: true }), commonjs({ ignore: ['node:sqlite'] }), json()],
}
