import { execFileSync } from 'node:child_process'

const PROCESSES = 10

/** Imports the server where Koa has been loaded: ms, and bytes that the process has grown by. */
const SCRIPT = `
await import('koa')
globalThis.gc()
const before = process.memoryUsage().rss
const began = performance.now()
await import('koa-weapp-session')
const ms = performance.now() - began
globalThis.gc()
console.log(JSON.stringify({ ms, bytes: process.memoryUsage().rss - before }))
`

/** What \`import 'koa-weapp-session'\` takes beside a Koa that is loaded: the medians of ten processes. */
export function measureImport(): { ms: number; megabytes: number } {
  const runs = Array.from({ length: PROCESSES }, () => {
    const args = ['--expose-gc', '--input-type=module', '--eval', SCRIPT]
    const cwd = new URL('..', import.meta.url).pathname
    return JSON.parse(execFileSync(process.execPath, args, { cwd, encoding: 'utf8' })) as {
      ms: number
      bytes: number
    }
  })
  return {
    ms: median(runs.map(({ ms }) => ms)),
    megabytes: median(runs.map(({ bytes }) => bytes)) / 1024 / 1024,
  }
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2
}
