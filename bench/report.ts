/** What was measured, as lines for a terminal, and as docs/performance.md with its picture, in both languages. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { ALL, candidateOf } from './all.js'
import { chart } from './chart.js'
import { inChinese } from './chinese.js'
import type { Measured } from './load.js'

export interface Figures {
  medians: Map<string, Measured>
  bytes: Record<string, number>
  rounds: number
}

/** The promises of the project, as ratios of one run. */
const TARGETS: [what: string, name: string, of: string, target: number][] = [
  ['known session, cache on', 'codeCached', 'map', 1],
  ['known session, cache off (the default)', 'code', 'getTuned', 1.15],
  ['jwt carrier, token seen before', 'jwt', 'map', 1.1],
  ['login', 'loginCode', 'loginFloor', 1.4],
]

export function medianOf(rounds: Measured[]): Measured {
  const of = (what: keyof Measured) =>
    rounds.map((round) => round[what]).sort((a, b) => a - b)[rounds.length >> 1] ?? Number.NaN
  return {
    cpu: of('cpu'),
    requestsPerSecond: of('requestsPerSecond'),
    p50: of('p50'),
    p99: of('p99'),
    memory: of('memory'),
  }
}

export function lines(medians: Figures['medians']): string[] {
  const koa = medians.get('koa')?.cpu ?? Number.NaN
  return [...medians].map(([name, { cpu, requestsPerSecond, p50, p99, memory }]) =>
    [
      candidateOf(name).title.padEnd(44),
      `${cpu.toFixed(1).padStart(7)} µs`,
      `${(cpu / koa).toFixed(2).padStart(6)} × Koa`,
      `${Math.round(requestsPerSecond).toString().padStart(7)}/s`,
      `p50 ${p50.toFixed(2).padStart(6)} ms`,
      `p99 ${p99.toFixed(2).padStart(6)} ms`,
      `${Math.round(memory).toString().padStart(4)} MB`,
    ].join('  '),
  )
}

export function writeReport({ medians, bytes, rounds }: Figures): void {
  const folder = new URL('../docs/', import.meta.url)
  mkdirSync(new URL('images/', folder), { recursive: true })
  const ofKnown = [...medians].filter(([name]) => !name.startsWith('login'))
  writeFileSync(
    new URL('images/performance.svg', folder),
    chart(
      ofKnown.map(([name, { cpu }]) => ({
        title: ALL[name]?.title ?? name,
        kind: candidateOf(name).kind,
        cpu,
      })),
    ),
  )
  const english = figures({ medians, bytes, rounds })
  writeBelowMark(new URL('performance.md', folder), english)
  writeBelowMark(new URL('zh/performance.md', folder), inChinese(english))
}

function writeBelowMark(page: URL, text: string): void {
  const [head = ''] = readFileSync(page, 'utf8').split(MARK)
  writeFileSync(page, `${head}${MARK}\n\n${text}\n`)
}

/** Above it, people write; below it, this does. */
const MARK = '<!-- npm run bench writes what follows -->'

function figures({ medians, bytes, rounds }: Figures): string {
  const koa = medians.get('koa')?.cpu ?? Number.NaN
  const ratio = (name: string, of: string) =>
    (medians.get(name)?.cpu ?? Number.NaN) / (medians.get(of)?.cpu ?? Number.NaN)
  const rows = (kind: (name: string) => boolean) =>
    [...medians]
      .filter(([name]) => kind(name))
      .map(([name, { cpu, requestsPerSecond, p50, p99, memory }]) =>
        row([
          candidateOf(name).kind === 'ours' ? `**${candidateOf(name).title}**` : candidateOf(name).title,
          cpu.toFixed(1),
          (cpu / koa).toFixed(2),
          String(Math.round(requestsPerSecond)),
          p50.toFixed(1),
          p99.toFixed(1),
          String(Math.round(memory)),
        ]),
      )
  const head = [
    row(['server', 'CPU µs per request', '÷ bare Koa', 'requests/s', 'p50 ms', 'p99 ms', 'MB']),
    row(['---', '---', '---', '---', '---', '---', '---']),
  ]

  return [
    `Measured with Node ${process.versions.node}, ${rounds} rounds, medians; ${cpus().length} × ${cpus()[0]?.model.trim()}.`,
    '## Ratios',
    [
      row(['what', 'beside', 'target', 'measured']),
      row(['---', '---', '---', '---']),
      ...TARGETS.map(([what, name, of, target]) =>
        row([what, candidateOf(of).title, `≤ ${target.toFixed(2)}`, ratio(name, of).toFixed(2)]),
      ),
    ].join('\n'),
    '## A known session',
    '![CPU per request of each server](./images/performance.svg)',
    [...head, ...rows((name) => !name.startsWith('login'))].join('\n'),
    '## A login',
    [...head, ...rows((name) => name.startsWith('login'))].join('\n'),
    '## Bytes of Redis for each logged-in user',
    [
      row(['kept by', 'bytes']),
      row(['---', '---']),
      ...Object.entries(bytes).map(([kind, mean]) => row([kind, String(Math.round(mean))])),
    ].join('\n'),
  ].join('\n\n')
}

function row(cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}
