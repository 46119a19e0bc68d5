import { register } from 'node:module'

/**
 * Examples import the package by its name, as its users do. After this, that is the sources, in this process: nothing
 * needs to be built.
 */
export function namesAreSources(): void {
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`)
}

const HOOK = `
const sources = {
  'koa-weapp-session': '${new URL('../../src/index.ts', import.meta.url)}',
  'koa-weapp-session/simulator': '${new URL('../../src/simulator/index.ts', import.meta.url)}',
}
export const resolve = (name, context, next) => next(sources[name] ?? name, context)
`
