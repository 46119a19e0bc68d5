import { register } from 'node:module'

/**
 * Examples import the packages by their names, as their users do. After this, those are the sources, in this process: nothing
 * needs to be built.
 */
export function namesAreSources(): void {
  register(HOOK)
}

/** The arguments of a Node in which it is so, and which runs TypeScript. */
export function sourcesByName(): string[] {
  const program = `import { register } from 'node:module'; register(${JSON.stringify(HOOK)})`
  return ['--import=tsx', `--import=data:text/javascript,${encodeURIComponent(program)}`]
}

const NAMES = `
const sources = {
  'koa-weapp-session': '${new URL('../../src/index.ts', import.meta.url)}',
  'koa-weapp-session/bridge': '${new URL('../../src/bridge/index.ts', import.meta.url)}',
  'koa-weapp-session/jwt': '${new URL('../../src/jwt/index.ts', import.meta.url)}',
  'koa-weapp-session/express-store': '${new URL('../../src/stores/express/index.ts', import.meta.url)}',
  'koa-weapp-session/koa-store': '${new URL('../../src/stores/koa/index.ts', import.meta.url)}',
  'weapp-simulator': '${new URL('../../simulator/src/index.ts', import.meta.url)}',
  'weapp-simulator/open': '${new URL('../../simulator/src/open/index.ts', import.meta.url)}',
}
export const resolve = (name, context, next) => next(sources[name] ?? name, context)
`

const HOOK = `data:text/javascript,${encodeURIComponent(NAMES)}`
